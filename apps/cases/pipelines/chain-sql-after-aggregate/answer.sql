SELECT sensor, mean, rank() OVER (ORDER BY mean DESC) AS place FROM (SELECT sensor, avg(value) AS mean FROM readings GROUP BY sensor) WHERE mean IS NOT NULL;
