SELECT at, quantity, page AS path FROM clicks;
