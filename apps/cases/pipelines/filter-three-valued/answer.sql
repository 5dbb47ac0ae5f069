SELECT * FROM people WHERE NOT (age > 30 OR city = 'Paris');
