-- sink: csv
SELECT * FROM people;
-- sink: json
SELECT * FROM people;
-- sink: parquet
SELECT * FROM people;
