-- NaN equals NaN, as a text does in SQLite; null equals nothing.
SELECT a.id AS one, b.id AS other FROM floats a JOIN floats b ON a.x = b.x;
