SELECT id, name, score, NULL AS a, NULL AS b, NULL AS x, NULL AS y FROM single UNION ALL SELECT id, NULL, NULL, a, b, x, y FROM numbers;
