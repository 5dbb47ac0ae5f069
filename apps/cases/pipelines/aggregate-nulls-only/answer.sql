SELECT station, sum(feb) AS total, max(mar) AS warm, count(jan) AS "values" FROM months GROUP BY station;
