SELECT coalesce(s.site, 'unknown') AS site, strftime('%Y-%m-%dT00:00:00Z', r.measured_at) AS day, sum(r.value * coalesce(s.factor, 1)) AS total, count(*) AS rows
FROM readings r LEFT JOIN sensors s ON r.sensor = s.sensor WHERE r.quality = 0 AND r.value IS NOT NULL GROUP BY 1, 2;
