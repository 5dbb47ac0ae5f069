SELECT count(*) AS rows, sum(age) AS total, max(name) AS best FROM people WHERE age > 1000;
