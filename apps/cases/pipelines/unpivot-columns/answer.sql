SELECT * FROM (
  SELECT station, 'jan' AS month, jan AS celsius FROM months UNION ALL SELECT station, 'feb', feb FROM months UNION ALL SELECT station, 'mar', mar FROM months
) WHERE celsius IS NOT NULL;
