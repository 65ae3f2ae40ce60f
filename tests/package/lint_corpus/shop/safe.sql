=== nullable column
alter table orders add column gift boolean;
=== NOT NULL column with a constant default
ALTER TABLE public.orders ADD COLUMN channel text NOT NULL DEFAULT 'web';
=== NOT NULL column whose default is stable, with a lock timeout
SET LOCAL lock_timeout = '2s';
ALTER TABLE customers ADD COLUMN IF NOT EXISTS updated_at timestamptz NOT NULL DEFAULT now();
=== new table with indexes and a foreign key
CREATE TABLE reviews (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id  integer NOT NULL REFERENCES products (id),
    customer_id bigint NOT NULL,
    stars       smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    body        text
);
CREATE INDEX reviews_product_idx ON reviews (product_id);
CREATE UNIQUE INDEX reviews_once_idx ON reviews (customer_id, product_id);
=== index concurrently outside a transaction
-- atlas:txmode none

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_status_idx ON orders (status);
=== drop an index concurrently outside a transaction
-- atlas:txmode none

drop index concurrently if exists orders_placed_idx;
=== reindex concurrently outside a transaction
-- atlas:txmode none

REINDEX INDEX CONCURRENTLY orders_customer_idx;
=== check constraint NOT VALID
ALTER TABLE order_items ADD CONSTRAINT qty_sane CHECK (qty BETWEEN 1 AND 100000) NOT VALID;
=== validate a constraint added by an earlier migration
ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive;
=== foreign key NOT VALID
ALTER TABLE payments
    ADD CONSTRAINT payments_order_fk
    FOREIGN KEY (order_id) REFERENCES orders (id)
    NOT VALID;
=== SET NOT NULL proven by a validated check, then the check goes
ALTER TABLE orders ALTER COLUMN paid_at SET NOT NULL;
ALTER TABLE orders DROP CONSTRAINT orders_paid_at_present;
=== wider varchar, then text, and a wider numeric
alter table customers alter column phone type varchar(40);
alter table payments alter column card_last4 type text;
alter table payments alter column amount type numeric(14,2);
=== unique constraint from an existing index
ALTER TABLE payments ADD CONSTRAINT payments_provider_ref_key UNIQUE USING INDEX payments_provider_ref_uidx;
=== virtual generated column
ALTER TABLE orders ADD COLUMN total numeric GENERATED ALWAYS AS (total_cents / 100.0) VIRTUAL;
=== comments and strings that mention dangerous statements
-- DROP TABLE orders; would be wrong here
/* TRUNCATE customers;
   ALTER TABLE orders DROP COLUMN note; */
INSERT INTO categories (id, label) VALUES (900, 'DROP TABLE products; -- a band name');
COMMENT ON COLUMN orders.note IS 'do not DELETE FROM orders; archive instead';
=== a temporary table that is made, truncated and dropped
CREATE TEMPORARY TABLE scratch_ids (id bigint PRIMARY KEY);
INSERT INTO scratch_ids SELECT g FROM generate_series(1, 10) g;
TRUNCATE scratch_ids;
DROP TABLE scratch_ids;
=== a function whose body deletes, which nobody calls here
CREATE FUNCTION forget_customer(p_id bigint) RETURNS void
LANGUAGE plpgsql AS $fn$
BEGIN
    DELETE FROM payments p USING orders o WHERE o.id = p.order_id AND o.customer_id = p_id;
    DELETE FROM orders WHERE customer_id = p_id;
    DELETE FROM customers WHERE id = p_id;
END
$fn$;
=== view with one more column at the end
CREATE OR REPLACE VIEW order_totals AS
    SELECT order_id, sum(qty * price_cents) AS cents, count(*) AS lines, max(line_no) AS last_line
    FROM order_items GROUP BY order_id;
=== everyday settings
ALTER TABLE products ALTER COLUMN category_id SET STATISTICS 500;
ALTER TABLE orders SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE products ALTER COLUMN weight_g SET DEFAULT 0;
=== backfill in batches with a commit after each
-- atlas:txmode none

DO $$
DECLARE
    lo bigint := 0;
    hi bigint;
BEGIN
    SELECT coalesce(max(id), 0) INTO hi FROM customers;
    WHILE lo < hi LOOP
        UPDATE customers SET newsletter = false
         WHERE id > lo AND id <= lo + 1000 AND country = 'DE';
        COMMIT;
        lo := lo + 1000;
    END LOOP;
END $$;
=== rename an index
ALTER INDEX orders_customer_idx RENAME TO orders_customer_id_idx;
