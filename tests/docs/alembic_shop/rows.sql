INSERT INTO customers (email) VALUES ('ada@example.com'), ('grace@example.com');
INSERT INTO orders (customer_id, state, amount) VALUES (1, 'open', 10), (1, 'paid', 7.50), (2, 'open', 0);
