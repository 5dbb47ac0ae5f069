SELECT order_id, customer, amount, items, region FROM orders;
