SELECT o.order_id, c.label, o.amount * 2 AS twice FROM orders o JOIN customers c ON o.customer = c.customer AND (o.region = c.region OR c.region IS NULL);
