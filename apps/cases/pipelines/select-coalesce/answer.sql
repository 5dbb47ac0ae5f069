SELECT id, coalesce(nullif(trim(name), ''), city, 'nobody') AS called, ifnull(age, -99) AS age FROM people;
