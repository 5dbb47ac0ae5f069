SELECT sensor, measured_at, value, quality FROM readings WHERE value > 1e9;
