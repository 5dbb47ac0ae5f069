SELECT * FROM people WHERE name >= 'B' AND name < 'c';
