SELECT min(id) AS id FROM floats GROUP BY x;
