-- sink: lines
SELECT * FROM notes;
-- sink: table
SELECT * FROM notes;
