SELECT p.id, n.name, n.score, p.name AS name_other, p.city, p.age, p.height_m, p.joined, p.member FROM nobody n RIGHT JOIN people p ON n.id = p.id;
