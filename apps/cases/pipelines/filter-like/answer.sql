SELECT * FROM people WHERE name LIKE '%a' OR name LIKE '%\%\_%' ESCAPE '\' OR name LIKE '_____, %';
