SELECT customer, region, count(*) AS orders, sum(amount) AS amount, sum(items) AS items FROM orders GROUP BY customer, region;
