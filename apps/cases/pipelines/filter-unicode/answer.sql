SELECT * FROM people WHERE name = '李雷' OR city = 'Göteborg' OR name LIKE '%🌩️';
