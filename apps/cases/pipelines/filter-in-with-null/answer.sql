SELECT * FROM people WHERE age NOT IN (36, 28) AND city IN ('Paris', 'Cork', 'Oslo');
