SELECT r.sensor, r.measured_at, r.value, r.quality FROM readings r WHERE r.sensor IN (SELECT sensor FROM sensors);
