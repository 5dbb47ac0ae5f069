SELECT id FROM floats WHERE typeof(x) = 'real' AND x > 1;
