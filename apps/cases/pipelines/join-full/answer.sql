SELECT o.order_id, coalesce(o.customer, c.customer) AS customer, o.region, o.amount, o.items, c.region AS region_known, c.label
FROM orders o FULL JOIN customers c ON o.customer = c.customer;
