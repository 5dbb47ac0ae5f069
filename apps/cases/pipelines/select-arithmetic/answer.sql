SELECT id, a + b AS sum, x * y AS product, a * 1.0 / b AS quotient, a / b AS whole, a % b AS rest, -x AS negative FROM numbers;
