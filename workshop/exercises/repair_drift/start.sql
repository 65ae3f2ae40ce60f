INSERT INTO users (id, username, email) VALUES
    ('00000000-0000-7000-8000-000000000001', 'ada', 'ada@example.com'),
    ('00000000-0000-7000-8000-000000000002', 'grace', 'grace@example.com');
ALTER TABLE users ADD COLUMN locale text;
UPDATE users SET locale = 'en-GB' WHERE username = 'ada';
UPDATE users SET locale = 'en-US' WHERE username = 'grace';
