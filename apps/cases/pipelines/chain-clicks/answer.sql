-- sink: lines
SELECT at, quantity, total, clicks, page AS path, tags FROM clicks;
-- sink: totals
SELECT page AS path, sum(quantity) AS quantity, sum(total) AS total FROM clicks WHERE quantity > 0 GROUP BY page;
