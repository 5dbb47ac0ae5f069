SELECT trip, start, km, price, paid, driver FROM trips WHERE paid IS NOT true;
