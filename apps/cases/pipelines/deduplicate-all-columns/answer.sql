SELECT DISTINCT o.order_id, o.customer, o.region, o.amount, o.items FROM orders o;
