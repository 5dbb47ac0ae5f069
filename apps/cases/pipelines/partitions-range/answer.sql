SELECT sensor, value, CAST(replace(day, '-', '') AS INTEGER) AS date FROM readings WHERE day >= '2024-03-02';
