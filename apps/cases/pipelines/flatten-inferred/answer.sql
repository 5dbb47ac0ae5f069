SELECT at, quantity, total, clicks, page AS path, tags FROM clicks;
