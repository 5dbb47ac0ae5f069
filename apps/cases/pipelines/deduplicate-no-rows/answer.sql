SELECT * FROM nobody;
