SELECT count(*) AS rows, sum(age) AS ages, avg(age) AS mean, max(height_m) AS tallest, min(name) AS first FROM people;
