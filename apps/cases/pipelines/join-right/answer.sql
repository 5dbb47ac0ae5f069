SELECT o.order_id, c.customer, o.region, o.amount, o.items, c.region AS region_known, c.label FROM orders o RIGHT JOIN customers c ON o.customer = c.customer;
