SELECT id, 'Hello, ' || name || '!' AS greeting, length(name) AS letters, substr(name, 1, 2) AS start, trim(name) AS bare, replace(name, 'a', 'o') AS other FROM people;
