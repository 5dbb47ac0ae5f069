SELECT order_id, customer, amount, items, region FROM orders WHERE region = 'south' AND items > 1;
