SELECT a.id AS one, b.id AS other FROM people a JOIN people b ON a.city = b.city AND a.id < b.id;
