SELECT at, total AS money, page AS path, json_array_length(tags) AS tags FROM clicks;
