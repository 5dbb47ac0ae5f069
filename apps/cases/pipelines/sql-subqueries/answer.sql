SELECT p.id, (SELECT count(*) FROM orders o WHERE o.customer = p.id) AS orders FROM people p WHERE EXISTS (SELECT 1 FROM customers c WHERE c.customer = p.id);
