SELECT id, height_m > 1.7 AS tall, age IS NOT NULL AS known, member AND age > 30 AS both FROM people;
