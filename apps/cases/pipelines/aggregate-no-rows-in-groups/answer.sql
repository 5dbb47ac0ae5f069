SELECT name, count(*) AS rows FROM nobody GROUP BY name;
