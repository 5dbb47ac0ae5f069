SELECT r.sensor, r.measured_at, r.value, r.quality, s.site, s.factor, s.installed FROM readings r LEFT JOIN sensors s ON r.sensor = s.sensor;
