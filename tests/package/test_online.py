"""New migrations let a service go on: none of their files reads a table under a lock that others wait for."""

import re
from typing import NamedTuple

import psycopg
import pytest

from modelmigrate.planning import online_forms
from modelmigrate.planning.online import make_online
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.sql.statements import split_statements
from tests.package.corpus.judge import declare
from tests.package.harness import Project, connected, execute, roll_back
from tests.package.test_create import OUTSIDE, created, migrated, models, started

TEAMS = "CREATE TABLE teams (id integer PRIMARY KEY);"
USERS = "CREATE TABLE users (id integer PRIMARY KEY, nick varchar, age integer);"
ROWS = "INSERT INTO users (id, nick, age) SELECT n, n, n FROM generate_series(1, 9) n;"
NOT_NULL = "ALTER COLUMN nick SET NOT NULL"
EVENTS = """CREATE TABLE events (id integer NOT NULL, at date NOT NULL, team_id integer)
    PARTITION BY RANGE (at);"""


def users(*more: str, without: str = "") -> str:
    """The table with more columns and constraints."""
    text = USERS.removesuffix(");") + "".join(f", {each}" for each in more) + ");"
    return text.replace(without, "") if without else text


class Change(NamedTuple):
    """What models were and are, with the files that this makes."""

    old: list[str]
    new: list[str]
    files: list[str]
    rows: str = ROWS


CHANGES = {
    "a foreign key, of a column that comes with it": Change(
        [TEAMS, USERS],
        [TEAMS, users("team_id integer CONSTRAINT fk_team REFERENCES teams (id)")],
        [
            'ALTER TABLE "users" ADD COLUMN "team_id" integer NULL, ADD CONSTRAINT "fk_team" FOREIGN KEY'
            ' ("team_id") REFERENCES "teams" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION NOT VALID;',
            'ALTER TABLE "users" VALIDATE CONSTRAINT "fk_team";',
        ],
    ),
    "a foreign key to the same table": Change(
        [USERS],
        [users("CONSTRAINT fk_age FOREIGN KEY (age) REFERENCES users (id)")],
        [
            'ALTER TABLE "users" ADD CONSTRAINT "fk_age" FOREIGN KEY ("age") REFERENCES "users" ("id")'
            " ON UPDATE NO ACTION ON DELETE NO ACTION NOT VALID;",
            'ALTER TABLE "users" VALIDATE CONSTRAINT "fk_age";',
        ],
    ),
    "a check": Change(
        [USERS],
        [users("CONSTRAINT adult CHECK (age > 0 AND nick <> 'NOT VALID')")],
        [
            'ALTER TABLE "users" ADD CONSTRAINT "adult" CHECK ((age > 0) AND ((nick)::text <> \'NOT'
            " VALID'::text)) NOT VALID;",
            'ALTER TABLE "users" VALIDATE CONSTRAINT "adult";',
        ],
    ),
    "a check that changes": Change(
        [users("CONSTRAINT adult CHECK (age > 0)")],
        [users("CONSTRAINT adult CHECK (age > -1)")],
        [
            "ALTER TABLE public.users DROP CONSTRAINT IF EXISTS adult;\n"
            "ALTER TABLE public.users ADD CONSTRAINT adult CHECK ((age > '-1'::integer)) NOT VALID;",
            "ALTER TABLE public.users VALIDATE CONSTRAINT adult;",
        ],
    ),
    "a check that models leave NOT VALID": Change(
        [USERS],
        [USERS, "ALTER TABLE users ADD CONSTRAINT adult CHECK (age > 0) NOT VALID;"],
        ["ALTER TABLE public.users\n    ADD CONSTRAINT adult CHECK ((age > 0)) NOT VALID;"],
    ),
    "a NOT NULL": Change(
        [USERS],
        [USERS.replace("nick varchar", "nick varchar NOT NULL")],
        [
            'ALTER TABLE "users" ADD CONSTRAINT users_nick_not_null NOT NULL "nick" NOT VALID;',
            'ALTER TABLE "users" VALIDATE CONSTRAINT users_nick_not_null;',
        ],
    ),
    "a NOT NULL that a check proves already": Change(
        [users("CONSTRAINT has_nick CHECK (nick IS NOT NULL)")],
        [USERS.replace("nick varchar", "nick varchar NOT NULL")],
        [
            'ALTER TABLE "users" ALTER COLUMN "nick" SET NOT NULL;\n'
            'ALTER TABLE "users" DROP CONSTRAINT "has_nick";'
        ],
    ),
    "a column that is NOT NULL and has a default": Change(
        [USERS],
        [users("bio varchar NOT NULL DEFAULT ''")],
        ['ALTER TABLE "users" ADD COLUMN "bio" character varying NOT NULL DEFAULT \'\';'],
    ),
    "an index that changes": Change(
        [USERS, "CREATE UNIQUE INDEX ix ON users (nick);"],
        [USERS, "CREATE UNIQUE INDEX ix ON users (nick, age);"],
        [
            f'{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY "ix_new" ON "users" ("nick", "age");',
            f'{OUTSIDE}DROP INDEX CONCURRENTLY "ix";',
            'ALTER INDEX "ix_new" RENAME TO "ix";',
        ],
    ),
    "an index that changes with a column that goes": Change(
        [USERS, "CREATE UNIQUE INDEX ix ON users (nick, age);"],
        [users(without=", age integer"), "CREATE UNIQUE INDEX ix ON users (nick);"],
        [
            f'{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY "ix_new" ON "users" ("nick");',
            f'{OUTSIDE}DROP INDEX CONCURRENTLY "ix";',
            'ALTER INDEX "ix_new" RENAME TO "ix";',
            'ALTER TABLE "users" DROP COLUMN "age";',
        ],
    ),
    "a unique constraint": Change(
        [USERS],
        [users("CONSTRAINT one_nick UNIQUE (nick)")],
        [
            f'{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY "one_nick" ON public.users USING btree (nick);',
            'ALTER TABLE "users" ADD CONSTRAINT "one_nick" UNIQUE USING INDEX "one_nick";',
        ],
    ),
    "a unique constraint of a column that comes with it": Change(
        [USERS],
        [users("mail varchar CONSTRAINT one_mail UNIQUE")],
        [
            'ALTER TABLE "users" ADD COLUMN "mail" character varying NULL;',
            f'{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY "one_mail" ON public.users USING btree (mail);',
            'ALTER TABLE "users" ADD CONSTRAINT "one_mail" UNIQUE USING INDEX "one_mail";',
        ],
    ),
    "a unique constraint that changes": Change(
        [users("CONSTRAINT one_nick UNIQUE (nick)")],
        [users("CONSTRAINT one_nick UNIQUE NULLS NOT DISTINCT (nick, age)")],
        [
            f'{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY "one_nick_new" ON public.users USING btree (nick, age)'
            " NULLS NOT DISTINCT;",
            'ALTER TABLE "users" DROP CONSTRAINT "one_nick", ADD CONSTRAINT "one_nick" UNIQUE USING INDEX'
            ' "one_nick_new";',
        ],
    ),
    "a unique constraint that becomes DEFERRABLE": Change(
        [users("CONSTRAINT one_nick UNIQUE (nick)")],
        [users("CONSTRAINT one_nick UNIQUE (nick) DEFERRABLE INITIALLY DEFERRED")],
        [
            f'{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY "one_nick_new" ON public.users USING btree (nick);',
            "ALTER TABLE ONLY public.users\n    DROP CONSTRAINT IF EXISTS one_nick, ADD CONSTRAINT"
            ' "one_nick" UNIQUE USING INDEX "one_nick_new" DEFERRABLE INITIALLY DEFERRED;',
        ],
    ),
    "a DEFERRABLE constraint of a column that comes with it": Change(
        [USERS],
        [users("mail varchar CONSTRAINT one_mail UNIQUE DEFERRABLE")],
        [
            'ALTER TABLE "users" ADD COLUMN "mail" character varying NULL;',
            f'{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY "one_mail" ON public.users USING btree (mail);',
            "ALTER TABLE ONLY public.users\n"
            '    ADD CONSTRAINT "one_mail" UNIQUE USING INDEX "one_mail" DEFERRABLE;',
        ],
    ),
    "a foreign key that becomes DEFERRABLE": Change(
        [users("CONSTRAINT fk_age FOREIGN KEY (age) REFERENCES users (id)")],
        [users("CONSTRAINT fk_age FOREIGN KEY (age) REFERENCES users (id) DEFERRABLE")],
        ["ALTER TABLE public.users ALTER CONSTRAINT fk_age DEFERRABLE;"],
    ),
    "a primary key, whose column may be NULL": Change(
        [USERS.replace(" PRIMARY KEY", "")],
        [USERS],
        [
            'ALTER TABLE "users" ADD CONSTRAINT users_id_not_null NOT NULL "id" NOT VALID;',
            'ALTER TABLE "users" VALIDATE CONSTRAINT users_id_not_null;',
            f'{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY "users_pkey" ON public.users USING btree (id);',
            'ALTER TABLE "users" ADD CONSTRAINT "users_pkey" PRIMARY KEY USING INDEX "users_pkey";',
        ],
    ),
    "a primary key that changes": Change(
        [USERS.replace("age integer", "age integer NOT NULL")],
        ["CREATE TABLE users (id integer NOT NULL, nick varchar, age integer PRIMARY KEY);"],
        [
            f'{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY "users_pkey_new" ON public.users USING btree (age);',
            'ALTER TABLE "users" DROP CONSTRAINT "users_pkey", ADD CONSTRAINT "users_pkey" PRIMARY KEY USING'
            ' INDEX "users_pkey_new";',
        ],
    ),
    "all at once": Change(
        [TEAMS, USERS],
        [
            TEAMS,
            users(
                "team_id integer CONSTRAINT fk_team REFERENCES teams (id)",
                "CONSTRAINT adult CHECK (age > 0)",
                "CONSTRAINT one_nick UNIQUE (nick)",
            ).replace("nick varchar", "nick varchar NOT NULL"),
        ],
        [
            'ALTER TABLE "users" ADD CONSTRAINT users_nick_not_null NOT NULL "nick" NOT VALID, ADD COLUMN'
            ' "team_id" integer NULL;',
            f'{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY "one_nick" ON public.users USING btree (nick);',
            'ALTER TABLE "users" ADD CONSTRAINT "adult" CHECK (age > 0) NOT VALID, ADD CONSTRAINT "one_nick"'
            ' UNIQUE USING INDEX "one_nick", ADD CONSTRAINT "fk_team" FOREIGN KEY ("team_id") REFERENCES'
            ' "teams" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION NOT VALID;',
            'ALTER TABLE "users" VALIDATE CONSTRAINT users_nick_not_null;\n'
            'ALTER TABLE "users" VALIDATE CONSTRAINT "adult";\n'
            'ALTER TABLE "users" VALIDATE CONSTRAINT "fk_team";',
        ],
    ),
}

# The locks of a table for which those wait who write to it, or read it, too.
BLOCKS = """
    SELECT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'
    AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"""
READS = """
    SELECT relid::regclass::text FROM pg_stat_xact_user_tables
    WHERE seq_scan + coalesce(idx_scan, 0) > 0"""


def read_while_blocked(url: str, text: str) -> set[str]:
    """Run a file as it is applied; the tables that it has read under a lock that blocks others."""
    with connected(url) as connection:
        if text.startswith(OUTSIDE):
            connection.execute(text.encode())
            return set()
        with connection.transaction():
            connection.execute(text.encode())
            found = [connection.execute(each.encode()).fetchall() for each in (BLOCKS, READS)]
    blocked, read = ({table for (table,) in each} for each in found)
    return blocked & read


@pytest.mark.parametrize("title", CHANGES)
def test_a_change_of_a_table_with_rows_reads_it_while_others_write(
    project: Project, live: str, title: str
) -> None:
    change = CHANGES[title]
    started(project, *change.old)
    execute(live, change.rows)
    before, rows = read_schema(live), execute(live, "SELECT id, nick FROM users ORDER BY id")
    models(project, *change.new)
    texts = created(project)
    assert texts == [f"{each}\n" for each in change.files]
    with scratch_database(live) as copy:
        assert [text for text in texts if read_while_blocked(copy, text)] == []
    migrated(project)
    assert execute(live, "SELECT id, nick FROM users ORDER BY id") == rows
    roll_back(project)
    assert diff(before, read_schema(live)) == []
    assert execute(live, "SELECT id, nick FROM users ORDER BY id") == rows


@pytest.mark.parametrize(
    "title", ["a foreign key to the same table", "a check", "a NOT NULL", "a unique constraint"]
)
def test_where_that_is_not_wanted_the_file_is_one_and_blocks_others(
    project: Project, live: str, title: str
) -> None:
    change = CHANGES[title]
    started(project, *change.old)
    execute(live, change.rows)
    models(project, *change.new)
    try:
        project.set(online=False)
        [text] = created(project)
    finally:
        project.set()
    assert "NOT VALID;" not in text
    with scratch_database(live) as copy:
        assert read_while_blocked(copy, text) == {"users"}
    migrated(project)
    roll_back(project)


def test_before_postgresql_18_a_check_proves_that_a_column_is_not_null(
    project: Project, live: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online_forms, "NOT_NULL_NOT_VALID_SINCE", 10**6)
    started(project, USERS)
    execute(live, ROWS)
    before = read_schema(live)
    models(project, USERS.replace("nick varchar", "nick varchar NOT NULL"))
    texts = created(project)
    assert texts == [
        'ALTER TABLE "users" ADD CONSTRAINT "nick_is_not_null" CHECK ("nick" IS NOT NULL) NOT VALID;\n',
        'ALTER TABLE "users" VALIDATE CONSTRAINT "nick_is_not_null";\n',
        'ALTER TABLE "users" ALTER COLUMN "nick" SET NOT NULL;\n'
        'ALTER TABLE "users" DROP CONSTRAINT "nick_is_not_null";\n',
    ]
    with scratch_database(live) as copy:
        assert [text for text in texts if read_while_blocked(copy, text)] == []
    migrated(project)
    with pytest.raises(psycopg.errors.NotNullViolation):
        execute(live, "INSERT INTO users VALUES (10)")
    roll_back(project)
    assert diff(before, read_schema(live)) == []
    execute(live, "INSERT INTO users VALUES (10)")


def test_while_a_constraint_is_validated_others_read_and_write(project: Project, live: str) -> None:
    change = CHANGES["all at once"]
    started(project, *change.old)
    execute(live, change.rows)
    models(project, *change.new)
    *texts, validate = created(project)
    for text in texts:
        execute(live, text)
    with connected(live) as reader, connected(live) as writer, connected(live) as migration:
        for each in (reader, writer, migration):
            each.execute("SET lock_timeout = '2s'")
        with reader.transaction(), migration.transaction():
            assert reader.execute("SELECT count(*) FROM users").fetchall() == [(9,)]
            migration.execute(validate.encode())
            [pid] = migration.execute("SELECT pg_backend_pid()").fetchone() or (0,)
            modes = writer.execute(
                "SELECT DISTINCT mode FROM pg_locks WHERE pid = %s AND relation = 'users'::regclass"
                " AND mode <> 'AccessShareLock'",
                [pid],
            ).fetchall()
            assert {mode for (mode,) in modes} <= {"ShareUpdateExclusiveLock", "RowShareLock"}
            writer.execute("INSERT INTO users VALUES (10, 'Ada', 36)")
            writer.execute("UPDATE users SET age = age + 1")


@pytest.mark.parametrize("title", ["an index that changes", "a unique constraint that changes"])
def test_what_is_unique_stays_so_while_it_changes(project: Project, live: str, title: str) -> None:
    change = CHANGES[title]
    started(project, *change.old)
    execute(live, change.rows)
    models(project, *change.new)
    for text in created(project):
        with pytest.raises(psycopg.errors.UniqueViolation):
            execute(live, "INSERT INTO users VALUES (10, '1', 1)")
        execute(live, text)
    with pytest.raises(psycopg.errors.UniqueViolation):
        execute(live, "INSERT INTO users VALUES (10, '1', 1)")


def test_a_table_that_comes_with_its_constraints_stays_one_statement(project: Project) -> None:
    started(project, TEAMS)
    more = "team_id integer CONSTRAINT fk_team REFERENCES teams (id)", "UNIQUE (nick)"
    models(project, TEAMS, users(*more))
    [text] = created(project)
    assert "NOT VALID" not in text
    assert len(split_statements(text)) == 1


def test_a_key_of_a_new_table_is_made_once_where_it_is_deferrable(project: Project) -> None:
    started(project, TEAMS)
    reference = "team_id integer CONSTRAINT fk_team REFERENCES teams (id) DEFERRABLE"
    models(project, TEAMS, users(reference, "CONSTRAINT one_nick UNIQUE (nick) DEFERRABLE"))
    [text] = created(project)
    assert text.count("fk_team") == text.count("one_nick") == 1
    assert "DROP" not in text
    migrated(project)
    roll_back(project)


def test_constraints_of_a_partitioned_table_are_validated_later_where_postgresql_can(
    project: Project, live: str
) -> None:
    started(project, TEAMS, EVENTS)
    part = "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"
    project.add("20990101000000_part", f"{part}\n")
    project.run("hash")
    migrated(project)
    execute(live, "INSERT INTO teams VALUES (1); INSERT INTO events VALUES (1, '2024-02-03', 1);")
    before = read_schema(live)
    reference = "team_id integer CONSTRAINT fk_team REFERENCES teams (id)"
    more = f"{reference}, CONSTRAINT real CHECK (id > 0), CONSTRAINT one UNIQUE (id, at)"
    models(project, TEAMS, EVENTS.replace("team_id integer", more))
    first, validate = created(project)
    assert first.count(" NOT VALID") == 2
    assert 'ADD CONSTRAINT "one" UNIQUE ("id", "at")' in first
    assert validate.count(" VALIDATE CONSTRAINT ") == len(split_statements(validate)) == 2
    migrated(project)
    roll_back(project)
    assert diff(before, read_schema(live)) == []


def test_indexes_of_a_materialized_view_are_made_dropped_and_swapped_concurrently(
    project: Project, live: str
) -> None:
    view = "CREATE MATERIALIZED VIEW nicks AS SELECT id, nick FROM users;"
    index, other = (
        "CREATE UNIQUE INDEX one ON nicks (id);",
        "CREATE UNIQUE INDEX one ON nicks (id, nick);",
    )
    declare(project, [USERS, view])
    created(project)
    migrated(project)
    declared = read_schema(live)
    made = "CREATE UNIQUE INDEX CONCURRENTLY"
    for texts, statements in {
        (f"{OUTSIDE}{made} one ON public.nicks USING btree (id);\n",): [view, index],
        (
            f'{OUTSIDE}{made} "one_new" ON public.nicks USING btree (id, nick);\n',
            f"{OUTSIDE}DROP INDEX CONCURRENTLY IF EXISTS public.one;\n",
            'ALTER INDEX "one_new" RENAME TO "one";\n',
        ): [view, other],
        (f"{OUTSIDE}DROP INDEX CONCURRENTLY IF EXISTS public.one;\n",): [view],
    }.items():
        declare(project, [USERS, *statements])
        assert tuple(created(project)) == texts
        migrated(project)
    roll_back(project, steps=3)
    assert diff(declared, read_schema(live)) == []
    declare(project, [USERS, view.replace("nick FROM", "age FROM"), index])
    [text] = created(project)  # which is refreshed, and not read until it has its index
    assert "CONCURRENTLY" not in text


def test_a_materialized_view_gets_storage_parameters_and_a_trigger_is_disabled_without_a_drop(
    project: Project, live: str
) -> None:
    body = "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;"
    function = f"CREATE FUNCTION stamp() {body}"
    trigger = "CREATE TRIGGER stamp BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION stamp();"
    view = "CREATE MATERIALIZED VIEW nicks WITH (autovacuum_enabled=off) AS SELECT nick FROM users;"
    declare(project, [USERS, function, trigger, view])
    created(project)
    migrated(project)
    before, filled = read_schema(live), execute(live, "SELECT pg_relation_filenode('nicks')")
    disabled = "ALTER TABLE users DISABLE TRIGGER stamp;"
    new_view = view.replace("autovacuum_enabled=off", "fillfactor=70")
    declare(project, [USERS, function, trigger, disabled, new_view])
    assert [each for text in created(project) for each in split_statements(text)] == [
        "ALTER MATERIALIZED VIEW public.nicks RESET (autovacuum_enabled);",
        "ALTER MATERIALIZED VIEW public.nicks SET (fillfactor='70');",
        "ALTER TABLE public.users DISABLE TRIGGER stamp;",
    ]
    migrated(project)
    roll_back(project)
    assert diff(before, read_schema(live)) == []
    assert execute(live, "SELECT pg_relation_filenode('nicks')") == filled


def test_an_index_of_a_renamed_table_is_made_concurrently(project: Project) -> None:
    started(project, USERS)
    index = "CREATE INDEX ix_people_nick ON people (nick);"
    models(project, USERS.replace("users", "people"), index)
    rename, made = created(project, rename="users:people")
    assert "RENAME TO" in rename
    assert "CREATE INDEX CONCURRENTLY" in made


# --- what has no such form ---

ADVICE = {
    "a column with another name": (USERS.replace("nick", "name"), "users.nick:name", "the old name alone"),
    "a table with another name": (USERS.replace("users", "people"), "users:people", "the old name alone"),
    "a column that goes": (users(without=", age integer"), "none", "Code that still uses it fails"),
    "a table that goes": ("", "none", "Code that still uses it fails"),
    "a type that rewrites": (USERS.replace("age integer", "age bigint"), "none", "Rewrites the table"),
}  # fmt: skip


@pytest.mark.parametrize("title", ADVICE)
def test_what_breaks_code_or_rewrites_a_table_says_how_to_expand_and_contract(
    project: Project, title: str
) -> None:
    new, rename, words = ADVICE[title]
    started(project, USERS, TEAMS)
    models(project, *filter(None, [new, TEAMS]))
    assert created(project, rename=rename)
    text = (project.migrations / project.names()[-1]).read_text(encoding="utf-8")
    comments = re.findall(r"^-- (?!gate:).*", text, re.MULTILINE)
    assert words in comments[0]
    assert "expand and contract" in comments[0]
    assert [each[:5] for each in comments[1:3]] == ["-- 1.", "-- 2."]
    migrated(project)
    roll_back(project)


def test_what_has_to_be_said_is_said_once(project: Project) -> None:
    started(project, users("a integer", "b integer"), TEAMS)
    models(project, USERS)
    [text] = created(project, rename="none")
    [file] = [each for each in project.names() if each.endswith("_change.sql")]
    written = (project.migrations / file).read_text(encoding="utf-8")
    assert text.count("DROP") == 3
    assert written.count("expand and contract") == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (USERS.replace("nick varchar", "nick varchar(20)"), USERS),
        (users("twice integer GENERATED ALWAYS AS (age * 2) STORED"), users("twice integer GENERATED ALWAYS AS (age * 3) STORED")),
        (USERS, users("bio varchar")),
    ],
    ids=["a wider type", "a generated column that is recreated", "a column more"],
)  # fmt: skip
def test_what_breaks_nothing_says_nothing(project: Project, old: str, new: str) -> None:
    started(project, old)
    models(project, new)
    assert created(project)
    text = (project.migrations / project.names()[-1]).read_text(encoding="utf-8")
    assert "expand and contract" not in text


def test_rows_that_do_not_allow_it_are_told_and_stop_it_before_anything_blocks(
    project: Project, live: str
) -> None:
    started(project, USERS)
    execute(live, "INSERT INTO users VALUES (1)")
    models(project, USERS.replace("nick varchar", "nick varchar NOT NULL"))
    ran = project.run("create", message="required")
    assert "on tables with rows this may fail" in ran.out
    applied = project.run("apply", env="live", yes=True)
    assert applied.code == 1
    assert "contains null values" in applied.err
    execute(live, "UPDATE users SET nick = 'Ada'")
    migrated(project)


def test_nothing_more_is_done_for_what_blocks_nobody() -> None:
    plan = ['ALTER TABLE "users" ADD COLUMN "bio" text NULL;']
    assert make_online(plan, "no server", {}, "no server", {}) == plan
