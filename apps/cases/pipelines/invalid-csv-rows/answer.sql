-- sink: good
SELECT 1 AS id, 'fine' AS name, 0.5 AS score UNION ALL SELECT 5, 'also fine', NULL;
-- sink: bad
SELECT 'rows.csv' AS name, column1 AS position FROM (VALUES (3), (4), (5));
