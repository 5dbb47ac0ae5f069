SELECT p.*, n.name AS name_other, n.score FROM people p LEFT JOIN nobody n ON p.id = n.id;
