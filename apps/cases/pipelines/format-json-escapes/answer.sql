-- sink: lines
SELECT * FROM notes;
-- sink: columns
SELECT * FROM notes;
