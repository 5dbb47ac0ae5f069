SELECT score, id AS identity, name AS who, name AS again FROM single;
