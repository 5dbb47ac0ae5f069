-- NaN is greater than every number, as text is in SQLite.
SELECT id FROM floats WHERE x > 1;
