SELECT * FROM numbers WHERE a % 2 = 1 OR a * b > 50 OR abs(x) < 1;
