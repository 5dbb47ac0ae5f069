-- sink: fair
SELECT * FROM (
  SELECT trip, driver, price / nullif(km, 0) AS per_km, 'km' AS name, km AS value FROM trips UNION ALL SELECT trip, driver, price / nullif(km, 0), 'price', price FROM trips WHERE km IS NOT NULL
) WHERE value IS NOT NULL AND driver IS NOT NULL AND per_km <= 3;
-- sink: unfair
SELECT trip, driver, km, price, price / nullif(km, 0) AS per_km, 'fair' AS failed_checks FROM trips WHERE km IS NOT NULL AND driver IS NOT NULL AND NOT coalesce(price / nullif(km, 0) <= 3, false);
