SELECT count(*) AS rows, count(x) AS "values", min(id) AS first FROM floats GROUP BY x;
