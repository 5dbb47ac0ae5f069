SELECT id, sqrt(abs(x)) AS root, power(abs(b), 2) AS power, ln(abs(b)) AS logarithm, sin(y) AS sine, sign(a) AS sign, max(coalesce(a, b, 3), b, 3) AS largest FROM numbers;
