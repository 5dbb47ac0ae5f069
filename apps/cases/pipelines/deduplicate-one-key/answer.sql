SELECT * FROM people p WHERE NOT EXISTS (SELECT 1 FROM people q WHERE q.city IS p.city AND q.rowid < p.rowid);
