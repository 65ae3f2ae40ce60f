INSERT INTO users (id, username, email, full_name) VALUES
    ('00000000-0000-7000-8000-000000000001', 'ada', 'ada@example.com', 'Ada Lovelace'),
    ('00000000-0000-7000-8000-000000000002', 'grace', 'grace@example.com', 'Grace Hopper');
