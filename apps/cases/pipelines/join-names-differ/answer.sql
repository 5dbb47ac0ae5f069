SELECT p.*, c.region, c.label FROM people p LEFT JOIN customers c ON p.id = c.customer;
