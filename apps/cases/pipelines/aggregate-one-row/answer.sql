SELECT name, count(*) AS rows, avg(score) AS score FROM single GROUP BY name;
