SELECT city, count(*) AS people, sum(age) AS ages FROM people GROUP BY city;
