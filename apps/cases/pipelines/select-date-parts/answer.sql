SELECT id, CAST(strftime('%Y', joined) AS INTEGER) AS year, CAST(strftime('%m', joined) AS INTEGER) AS month, CAST(strftime('%d', joined) AS INTEGER) AS day,
  CAST(strftime('%H', joined) AS INTEGER) AS hour, CAST(strftime('%M', joined) AS INTEGER) AS minute, CAST(strftime('%S', joined) AS INTEGER) AS second, CAST(strftime('%w', joined) AS INTEGER) AS weekday
FROM people;
