-- sink: good
SELECT 1 AS id, 'fine' AS name UNION ALL SELECT 4, NULL;
-- sink: bad
SELECT 'rows.jsonl' AS name, column1 AS position FROM (VALUES (2), (3));
