SELECT measured_at AS at, strftime('%Y-%m-01T00:00:00Z', measured_at) AS month, strftime('%Y-%m-%dT00:00:00Z', measured_at) AS day, strftime('%Y-%m-%dT%H:00:00Z', measured_at) AS hour FROM readings;
