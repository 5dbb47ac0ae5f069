SELECT * FROM nobody WHERE score > 0;
