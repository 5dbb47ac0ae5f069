-- The rows of all inputs. NaN, which SQLite cannot hold, is the text 'NaN' in a REAL column.

CREATE TABLE people (id INTEGER, name TEXT, city TEXT, age INTEGER, height_m REAL, joined TEXT, member BOOLEAN);
INSERT INTO people VALUES
  (1, 'Ada', 'London', 36, 1.65, '2023-01-15T08:30:00Z', 1),
  (2, 'Björn', 'Göteborg', NULL, 1.905, '2023-02-28T23:59:59Z', 0),
  (3, '李雷', '北京', 28, NULL, '2023-03-01T00:00:00Z', 1),
  (4, 'Zoë', NULL, 51, 1.7, NULL, NULL),
  (5, 'ada', 'london', 36, 1.65, '2023-12-31T23:59:59Z', 1),
  (6, '', 'Paris', 0, 1.0, '2024-02-29T12:00:00Z', 0),
  (7, NULL, 'Paris', 17, 1.55, '2024-02-29T12:00:00Z', NULL),
  (8, 'O''Brien, "Pat"', 'Cork', 64, 1.8125, '2024-07-04T06:07:08Z', 1),
  (9, 'Émile 🌩️', 'Paris', 45, 1.78, '2024-10-10T10:10:10Z', 0),
  (10, '100%_sure', 'Oslo', -1, 2.0, '1969-12-31T23:59:59Z', 0),
  (11, ' padded ', 'Oslo', 33, 1.6, '2024-12-31T00:00:00Z', 1),
  (12, 'Ada', 'London', 36, 1.65, '2023-01-15T08:30:00Z', 1);

CREATE TABLE readings (day TEXT, sensor TEXT, measured_at TEXT, value REAL, quality INTEGER);
INSERT INTO readings VALUES
  ('2024-03-01', 'a', '2024-03-01T00:00:00Z', 1.5, 0),
  ('2024-03-01', 'b', '2024-03-01T00:00:30Z', -2.25, 0),
  ('2024-03-01', 'a', '2024-03-01T00:01:00Z', NULL, 1),
  ('2024-03-01', 'c', '2024-03-01T11:59:59Z', 0.0, NULL),
  ('2024-03-01', 'a', '2024-03-01T12:00:00Z', 1.5, 0),
  ('2024-03-02', 'a', '2024-03-02T00:00:00Z', 4.125, 0),
  ('2024-03-02', NULL, '2024-03-02T00:00:30Z', 9.75, 2),
  ('2024-03-02', 'b', '2024-03-02T06:15:00Z', -2.25, 0),
  ('2024-03-03', 'd', '2024-03-03T23:59:59Z', 1000000.5, 0),
  ('2024-03-03', 'b', NULL, 7.0, 3),
  ('2024-03-03', 'a', '2024-03-03T00:00:00Z', -0.125, 0),
  ('2024-03-03', 'b', '2024-03-03T00:00:00Z', NULL, NULL),
  ('2024-03-03', 'c', '2024-03-03T00:00:00Z', 3.5, 1);

CREATE TABLE sensors (sensor TEXT, site TEXT, factor REAL, installed TEXT);
INSERT INTO sensors VALUES
  ('a', 'north', 2.0, '2020-01-01T00:00:00Z'),
  ('b', 'north', 0.5, '2021-06-30T00:00:00Z'),
  ('c', 'süd', NULL, NULL),
  ('e', 'west', 10.0, '2024-01-01T00:00:00Z'),
  (NULL, 'nowhere', 1.0, '2022-02-02T00:00:00Z');

CREATE TABLE orders (part INTEGER, order_id INTEGER, customer INTEGER, region TEXT, amount REAL, items INTEGER);
INSERT INTO orders VALUES
  (1, 100, 1, 'north', 10.5, 1),
  (1, 101, 2, 'south', 20.0, 2),
  (1, 102, 1, 'north', 5.25, 1),
  (1, 103, NULL, 'east', 99.0, 9),
  (2, 104, 3, NULL, 0.0, 0),
  (2, 105, 3, 'south', NULL, 4),
  (2, 101, 2, 'south', 20.0, 2),
  (3, 106, 99, 'west', 7.75, 3),
  (3, 107, NULL, NULL, 1.25, 1);

CREATE TABLE customers (customer INTEGER, region TEXT, label TEXT);
INSERT INTO customers VALUES
  (1, 'north', 'first'),
  (1, 'south', 'first again'),
  (2, 'south', 'second'),
  (3, 'south', 'third'),
  (3, NULL, 'third without a region'),
  (4, 'west', 'never ordered'),
  (NULL, 'east', 'nobody');

CREATE TABLE numbers (id INTEGER, a INTEGER, b INTEGER, x REAL, y REAL);
INSERT INTO numbers VALUES
  (1, 7, 2, 2.5, 0.5),
  (2, -7, 2, -2.5, 1.5),
  (3, 7, -2, 3.5, NULL),
  (4, 0, 5, 0.0, -0.5),
  (5, NULL, 3, 1.005, 2.0),
  (6, 2147483647, 1, 1e15, 1e-15),
  (7, 12, 12, NULL, NULL),
  (8, -1, 7, -0.49, 0.49),
  (9, 100, 9, 12345.678, -12345.678);

CREATE TABLE floats (id INTEGER, x REAL);
INSERT INTO floats VALUES (1, 1.5), (2, 'NaN'), (3, NULL), (4, 9e999), (5, -9e999), (6, -1.5), (7, 'NaN');

CREATE TABLE months (station TEXT, jan REAL, feb REAL, mar REAL);
INSERT INTO months VALUES ('Kiruna', -13.5, -12.0, -7.75), ('Graz', NULL, 1.5, 6.0), (NULL, 0.0, NULL, NULL), ('Ørsta', NULL, NULL, NULL);

CREATE TABLE clicks (part INTEGER, at TEXT, quantity INTEGER, total REAL, clicks INTEGER, page TEXT, tags TEXT);
INSERT INTO clicks VALUES
  (1, '2024-05-01T10:00:00Z', 1, 9.5, 3, '/home', '["a","b"]'),
  (1, '2024-05-01T10:00:01Z', NULL, NULL, 1, '/kaffee ☕', '[]'),
  (1, '2024-05-01T10:00:29Z', 2, 20.25, NULL, NULL, NULL),
  (2, '2024-05-01T10:00:30Z', 3, 1.0, 7, '/home', '["c"]'),
  (2, NULL, 4, 0.0, 0, '', '["a",null]');

CREATE TABLE trips (part INTEGER, trip INTEGER, start TEXT, km REAL, price REAL, paid BOOLEAN, driver TEXT);
INSERT INTO trips VALUES
  (1, 1, '2024-01-01T00:00:00Z', 1.5, 4.5, 1, 'Kim'),
  (1, 2, '2024-01-15T13:45:10Z', 22.0, 60.25, 0, 'Sam'),
  (1, 3, '2024-02-29T23:59:59Z', NULL, 10.0, 1, NULL),
  (2, 4, NULL, 3.25, NULL, NULL, 'Kim'),
  (2, 5, '2023-12-31T23:59:59Z', 0.0, 0.0, 0, 'Ålex'),
  (2, 6, '2024-06-30T06:30:00Z', 100.5, 250.0, 1, 'Sam');

CREATE TABLE nobody (id INTEGER, name TEXT, score REAL);

CREATE TABLE single (id INTEGER, name TEXT, score REAL);
INSERT INTO single VALUES (1, 'only', 0.5);

CREATE TABLE notes (id INTEGER, note TEXT, answer TEXT);
INSERT INTO notes VALUES
  (1, 'two' || char(10) || 'lines', '"quoted"'),
  (2, ',', '""'),
  (3, 'back\slash', 'a "word" within'),
  (4, '', NULL),
  (5, NULL, ''),
  (6, 'ends with a line end' || char(10), 'tab' || char(9) || 'within'),
  (7, '👩‍🚀 é ß', ' blanks around '),
  (8, 'null', 'NaN'),
  (9, 'true', '007');

CREATE TABLE moments (id INTEGER, written TEXT);
INSERT INTO moments VALUES
  (1, '2024-05-01T10:00:00Z'),
  (2, '2024-05-01T10:00:00+02:00'),
  (3, '2024-05-01T23:30:00-05:30'),
  (4, '2024-05-01 10:00:00'),
  (5, '2024-05-01T10:00:00.25Z'),
  (6, '1900-02-28T23:59:59.999Z'),
  (7, '2024-03-31T02:30:00+00:00'),
  (8, NULL),
  (9, '2399-12-31T23:59:59Z');
