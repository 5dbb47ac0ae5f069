SELECT id, CAST(a AS TEXT) AS text, CAST(y AS INTEGER) AS whole, CAST(a AS REAL) / 4 AS real, CAST('0' || id AS INTEGER) + 1 AS read FROM numbers;
