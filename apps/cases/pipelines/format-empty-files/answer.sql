SELECT id FROM nobody;
