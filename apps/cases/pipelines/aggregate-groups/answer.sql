SELECT sensor, count(*) AS rows, count(value) AS "values", sum(value) AS total, avg(value) AS mean, min(value) AS least, max(measured_at) AS last FROM readings GROUP BY sensor;
