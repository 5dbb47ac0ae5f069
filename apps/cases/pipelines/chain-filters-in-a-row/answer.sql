SELECT sensor, value * 2 AS doubled FROM readings WHERE sensor <> 'd' AND value * 2 BETWEEN -1 AND 10;
