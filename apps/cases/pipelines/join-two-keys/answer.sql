SELECT o.order_id, o.customer, o.region, o.amount, o.items, c.label FROM orders o LEFT JOIN customers c ON o.customer = c.customer AND o.region = c.region;
