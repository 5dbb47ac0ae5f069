SELECT id, round(x) AS near, round(y, 1) AS tenth, ceil(x) AS up, floor(x) AS down, trunc(x) AS cut FROM numbers;
