SELECT sensor, measured_at, value, quality FROM readings WHERE (value IS NULL) <> (quality IS NULL) OR sensor IS NULL;
