SELECT trip, start, km, price, paid, driver FROM trips;
