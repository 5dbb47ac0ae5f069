SELECT region, count(DISTINCT customer) AS customers, count(DISTINCT amount) AS amounts FROM orders GROUP BY region;
