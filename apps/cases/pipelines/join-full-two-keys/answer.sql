SELECT o.order_id, coalesce(o.customer, c.customer) AS customer, coalesce(o.region, c.region) AS region, o.amount, o.items, c.label
FROM orders o FULL JOIN customers c ON o.customer = c.customer AND o.region = c.region;
