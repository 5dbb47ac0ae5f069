SELECT station, feb, 'mar' AS name, mar AS value FROM months UNION ALL SELECT station, feb, 'jan', jan FROM months;
