SELECT sensor, measured_at, value, quality FROM readings;
