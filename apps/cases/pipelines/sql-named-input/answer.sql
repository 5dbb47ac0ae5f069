SELECT CASE WHEN age >= 40 THEN 'old' WHEN age IS NULL THEN 'unknown' ELSE 'young' END AS generation, count(*) AS rows FROM people GROUP BY 1 HAVING count(*) > 1;
