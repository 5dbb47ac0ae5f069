SELECT a.*, b.id AS id_other, b.name AS name_other, b.height_m AS height_m_other, b.joined AS joined_other, b.member AS member_other FROM people a JOIN people b ON a.city = b.city AND a.age = b.age;
