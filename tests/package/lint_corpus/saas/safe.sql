=== tenant table with row security and a policy
CREATE TABLE app.comments (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES app.tenants (id),
    task_id   bigint NOT NULL,
    body      text NOT NULL
);
CREATE INDEX comments_task_idx ON app.comments (task_id);
ALTER TABLE app.comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY comments_tenant ON app.comments
    USING (tenant_id = app.current_tenant()) WITH CHECK (tenant_id = app.current_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON app.comments TO app_rw;
=== enum value at the end, not used in this file
ALTER TYPE app.plan ADD VALUE IF NOT EXISTS 'startup';
=== new enum type and its first use
CREATE TYPE app.channel AS ENUM ('email', 'sms', 'push');
ALTER TABLE app.users ADD COLUMN channel app.channel NOT NULL DEFAULT 'email';
=== SECURITY DEFINER with a fixed search_path and no public execute
CREATE FUNCTION app.purge_user(p_user bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$ DELETE FROM app.memberships WHERE user_id = p_user; $body$;
REVOKE ALL ON FUNCTION app.purge_user(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_user(bigint) TO app_rw;
=== replace a SECURITY DEFINER function and keep its search_path
create or replace function app.is_admin(p_user bigint) returns boolean
language sql stable security definer set search_path to 'app', 'pg_temp'
as $$ select exists (select 1 from app.memberships m where m.user_id = p_user and m.role = 'owner') $$;
=== view with security_invoker over guarded tables
CREATE VIEW app.open_tasks WITH (security_invoker = true) AS
    SELECT t.id, t.tenant_id, t.title FROM app.tasks t WHERE t.state <> 'done';
=== view over a table without row security
CREATE VIEW billing.price_list AS SELECT plan, cents / 100.0 AS price FROM billing.plan_prices;
=== restrictive policy
CREATE POLICY api_keys_not_expired ON app.api_keys AS RESTRICTIVE
    USING (expires_at IS NULL OR expires_at > now());
=== policy for one role that keeps the tenant test
CREATE POLICY tasks_ro ON app.tasks FOR SELECT TO app_ro USING (tenant_id = app.current_tenant());
=== rights for one role only
grant select on app.memberships to app_ro;
=== function given a search_path
ALTER FUNCTION app.count_tasks(bigint) SET search_path = app, pg_temp;
=== table without tenants needs no row security
CREATE TABLE public.countries (
    code char(2) PRIMARY KEY,
    name text NOT NULL
);
INSERT INTO public.countries VALUES ('DE', 'Germany'), ('FR', 'France');
=== check constraint widened with NOT VALID under a new name first
ALTER TABLE app.tasks ADD CONSTRAINT tasks_state_check2
    CHECK (state IN ('todo', 'doing', 'done', 'blocked')) NOT VALID;
ALTER TABLE app.tasks DROP CONSTRAINT tasks_state_check;
=== foreign key NOT VALID by a DO block
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'projects_owner_fk') THEN
        ALTER TABLE app.projects ADD CONSTRAINT projects_owner_fk
            FOREIGN KEY (owner_id) REFERENCES app.users (id) NOT VALID;
    END IF;
END $$;
=== unique index on a new table's column set, quoted names that look like commands
CREATE TABLE audit."DROP TABLE" ("truncate" bigint PRIMARY KEY, "delete" text);
CREATE UNIQUE INDEX "DROP INDEX" ON audit."DROP TABLE" ("delete");
=== a table created and replaced within the same file
CREATE TABLE app.tmp_ids (id bigint);
ALTER TABLE app.tmp_ids ADD COLUMN note text NOT NULL;
ALTER TABLE app.tmp_ids RENAME COLUMN note TO remark;
DROP TABLE app.tmp_ids;
=== two indexes concurrently, one of them on an expression
-- atlas:txmode none

create index concurrently tasks_due_idx on app.tasks (due) where state <> 'done';
CREATE INDEX CONCURRENTLY users_email_lower_idx ON app.users (lower(email));
