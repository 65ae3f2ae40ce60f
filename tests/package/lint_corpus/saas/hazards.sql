=== row security switched off
ALTER TABLE app.tasks DISABLE ROW LEVEL SECURITY; --! security
=== row security no longer forced on the owner
alter table app.projects no force row level security; --! security
=== a restricting policy replaced by one for everybody
DROP POLICY IF EXISTS api_keys_tenant ON app.api_keys; --! security
CREATE POLICY api_keys_all ON app.api_keys USING (true) WITH CHECK (true); --! security
=== an extra permissive policy opens the table
create policy support_read on billing.invoices for select using (true); --! security
=== a policy altered to true
ALTER POLICY users_tenant ON app.users
    USING (true); --! security
=== a policy that lets any tenant be written
CREATE POLICY tasks_import ON app.tasks AS PERMISSIVE FOR INSERT TO PUBLIC WITH CHECK (true); --! security
=== new tenant table without row security among guarded ones
CREATE TABLE app.comments ( --! security
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES app.tenants (id),
    task_id   bigint NOT NULL,
    body      text NOT NULL
);
CREATE INDEX ON app.comments (task_id);
=== policy made but row security never enabled
create table app.labels (id bigint primary key, tenant_id uuid not null, name text not null); --! security
create policy labels_tenant on app.labels using (tenant_id = app.current_tenant());
=== SECURITY DEFINER without search_path
CREATE FUNCTION app.purge_user(p_user bigint) RETURNS void LANGUAGE sql SECURITY DEFINER AS $body$ --! security
    DELETE FROM app.memberships WHERE user_id = p_user;
$body$;
=== an existing function made SECURITY DEFINER
ALTER FUNCTION app.count_tasks(bigint) SECURITY DEFINER; --! security
=== the search_path of a SECURITY DEFINER function is reset
alter function app.is_admin(bigint) reset search_path; --! security
=== replace a SECURITY DEFINER function and forget its search_path
CREATE OR REPLACE FUNCTION app.is_admin(p_user bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER --! security
AS $$ SELECT EXISTS (SELECT 1 FROM app.memberships m WHERE m.user_id = p_user AND m.role = 'owner') $$;
=== everything granted to everybody
GRANT ALL ON ALL TABLES IN SCHEMA billing TO PUBLIC; --! security
=== default privileges for everybody
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO PUBLIC; --! security
=== a role that bypasses row security
ALTER ROLE app_ro BYPASSRLS; --! security
=== view over guarded tables without security_invoker
CREATE VIEW app.open_tasks AS SELECT t.id, t.tenant_id, t.title FROM app.tasks t WHERE t.state <> 'done'; --! security
=== view set back to the rights of its owner
ALTER VIEW app.active_projects SET (security_invoker = false); --! security
=== replace a view and lose security_invoker
create or replace view app.active_projects as select id, tenant_id, name from app.projects where not archived; --! security
=== materialized view copies guarded rows
CREATE MATERIALIZED VIEW app.task_counts AS SELECT tenant_id, count(*) AS n FROM app.tasks GROUP BY tenant_id; --! security
=== row security switched off in a loop
DO $$
DECLARE r record;
BEGIN
    FOR r IN SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'billing' AND rowsecurity LOOP
        EXECUTE format('ALTER TABLE %I.%I DISABLE ROW LEVEL SECURITY', r.schemaname, r.tablename); --! security
    END LOOP;
END $$;
=== new enum value used in the same transaction
ALTER TYPE app.plan ADD VALUE 'startup' AFTER 'free';
INSERT INTO billing.plan_prices (plan, cents) VALUES ('startup', 900); --! transaction
=== drop an index concurrently in a transaction
drop index concurrently app.tasks_project_idx; --! transaction
=== rename an enum value
ALTER TYPE billing.invoice_state RENAME VALUE 'void' TO 'cancelled'; --! backward-incompatible
=== rename a type
alter type app.member_role rename to role_kind; --! backward-incompatible
=== swap an enum for a smaller one
CREATE TYPE billing.invoice_state_new AS ENUM ('open', 'paid', 'void');
ALTER TABLE billing.invoices ALTER COLUMN state DROP DEFAULT; --! backward-incompatible
ALTER TABLE billing.invoices ALTER COLUMN state TYPE billing.invoice_state_new USING state::text::billing.invoice_state_new; --! lock data-dependent
=== rename a schema
ALTER SCHEMA billing RENAME TO finance; --! backward-incompatible
=== move a table to another schema
alter table public.feature_flags set schema app; --! backward-incompatible
=== take a right away from the application
REVOKE DELETE ON app.tasks FROM app_rw; --! backward-incompatible
=== identity column becomes GENERATED ALWAYS
ALTER TABLE app.projects ALTER COLUMN id SET GENERATED ALWAYS; --! backward-incompatible
=== rename a column a PL/pgSQL function reads
ALTER TABLE app.users RENAME COLUMN display_name TO nickname; --! backward-incompatible stale
=== drop a function that another function calls
DROP FUNCTION app.slugify(text); --! backward-incompatible stale
=== drop a schema with all it holds
DROP SCHEMA IF EXISTS audit CASCADE; --! destructive
=== drop a quoted column of a quoted table in a schema
ALTER TABLE IF EXISTS audit."auditLog" DROP COLUMN IF EXISTS "ipAddress"; --! destructive
=== ONLY and CASCADE: the column and the view on it
ALTER TABLE ONLY app.projects DROP COLUMN archived CASCADE; --! destructive backward-incompatible
=== long safe file with one narrowing in the middle
SET LOCAL lock_timeout = '3s';
ALTER TABLE app.projects ADD COLUMN color text;
ALTER TABLE app.projects ADD CONSTRAINT color_hex CHECK (color ~ '^#[0-9a-f]{6}$') NOT VALID;
ALTER TABLE app.tasks
    ADD COLUMN estimate interval,
    ALTER COLUMN title TYPE varchar(60), --! data-dependent lock
    ALTER COLUMN priority SET DEFAULT 1;
COMMENT ON COLUMN app.projects.color IS 'no need to DROP COLUMN this';
=== constraint added to a domain that a table uses
ALTER DOMAIN app.email ADD CONSTRAINT email_short CHECK (length(VALUE) < 255); --! data-dependent lock
=== check constraint replaced by a wider one, validated at once
ALTER TABLE app.tasks
    DROP CONSTRAINT tasks_state_check,
    ADD CONSTRAINT tasks_state_check CHECK (state IN ('todo', 'doing', 'done', 'blocked')); --! lock
=== foreign key replaced to cascade, validated at once
ALTER TABLE app.tasks DROP CONSTRAINT tasks_project_fk;
ALTER TABLE app.tasks ADD CONSTRAINT tasks_project_fk FOREIGN KEY (project_id) REFERENCES app.projects ON DELETE CASCADE; --! lock
=== identity column added to a full table
alter table app.memberships add column id bigint generated always as identity; --! lock
=== foreign key without NOT VALID, guarded by a DO block
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'projects_owner_fk') THEN
        ALTER TABLE app.projects ADD CONSTRAINT projects_owner_fk FOREIGN KEY (owner_id) REFERENCES app.users (id); --! lock data-dependent
    END IF;
END $$;
=== expression index for login, blocking
CREATE UNIQUE INDEX users_email_lower_idx ON ONLY app.users (tenant_id, lower(email)); --! concurrent-index data-dependent
