SELECT order_id, customer, amount, items, region FROM orders WHERE region IN ('north', 'south');
