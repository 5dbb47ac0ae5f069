SELECT sensor, measured_at, value, quality FROM readings UNION ALL SELECT sensor, measured_at, value, quality FROM readings WHERE day = '2024-03-02';
