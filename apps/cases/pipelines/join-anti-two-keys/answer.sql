SELECT o.order_id, o.customer, o.region, o.amount, o.items FROM orders o WHERE NOT EXISTS (SELECT 1 FROM customers c WHERE o.customer = c.customer AND o.region = c.region);
