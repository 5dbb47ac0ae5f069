SELECT id, CASE WHEN age < 18 THEN 'young' WHEN age < 65 THEN 'grown' ELSE 'unknown' END AS generation, CASE city WHEN 'Paris' THEN 'FR' WHEN 'Oslo' THEN 'NO' END AS place FROM people;
