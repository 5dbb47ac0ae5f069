SELECT o.order_id, o.customer, o.region, o.amount, o.items FROM orders o WHERE NOT EXISTS (SELECT 1 FROM orders e WHERE e.customer IS o.customer AND e.region IS o.region AND e.rowid < o.rowid);
