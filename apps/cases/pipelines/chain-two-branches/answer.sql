SELECT o.order_id, round(o.amount / t.total, 6) AS share FROM orders o JOIN (SELECT customer, sum(amount) AS total FROM orders GROUP BY customer) t ON o.customer = t.customer;
