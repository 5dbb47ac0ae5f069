SELECT sensor, count(*) FILTER (WHERE quality = 0) AS good, sum(value) FILTER (WHERE value > 0) AS positive FROM readings GROUP BY sensor;
