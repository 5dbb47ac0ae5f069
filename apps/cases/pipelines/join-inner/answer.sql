SELECT o.order_id, o.customer, o.region, o.amount, o.items, c.region AS region_known, c.label FROM orders o JOIN customers c ON o.customer = c.customer;
