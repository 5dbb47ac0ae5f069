-- sink: all
SELECT sensor, measured_at, value, quality FROM readings;
-- sink: bad
SELECT sensor, measured_at, value, quality, concat_ws(', ', CASE WHEN value IS NOT NULL THEN NULL ELSE 'measured' END, CASE WHEN quality = 0 THEN NULL ELSE 'trusted' END) AS failed_checks FROM readings WHERE NOT coalesce(value IS NOT NULL AND quality = 0, false);
