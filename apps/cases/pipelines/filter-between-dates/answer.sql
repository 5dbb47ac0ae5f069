SELECT trip, start, km, price, paid, driver FROM trips WHERE start BETWEEN '2024-01-01T00:00:00Z' AND '2024-02-29T23:59:59Z';
