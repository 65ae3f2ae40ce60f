"""Columns filled in batches on real servers, while others are at work, and whatever is typed."""

import os
import signal
import time
from typing import Any

import pytest

from modelmigrate.migrations import backfill
from modelmigrate.migrations.batches import prepare, run_one
from tests.package.harness import Project, Ran, connected, execute
from tests.package.test_apply import holding, kill, until, value

USERS = """
    CREATE TABLE users (id bigint PRIMARY KEY, username text, nick text, touched int DEFAULT 0);
    INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, {rows}) AS i"""
FILL = {"set": "nick = username, touched = touched + 1", "where": "nick IS NULL"}
LIVE: dict[str, str | bool] = {"env": "live", "yes": True}
TYPED = {"message": "users", **FILL, "batch_size": "10", **LIVE}
FILLED = "SELECT count(*) FROM users WHERE nick = username AND touched = 1"
# What a trigger does, to the row 15.
TRIGGER = """
    CREATE SEQUENCE calls;
    CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$;
    CREATE TRIGGER act BEFORE UPDATE ON users FOR EACH ROW WHEN (NEW.id = 15) EXECUTE FUNCTION act()"""


@pytest.fixture
def users(project: Project, live: str) -> str:
    """The URL of a database with a table of 30 users, none of whom has a nick."""
    project.set(lock_timeout=0.2, wait=10, attempts=3)
    execute(live, USERS.format(rows=30))
    return live


def fill(project: Project, **options: str | bool) -> Ran:
    """Fill the nicks, but for what the options say; the table is the `message`."""
    ran = project.run("backfill", **TYPED | options)
    assert "Traceback" not in ran.said
    return ran


def content(url: str) -> list[Any]:
    """The users, each with what tells whether it was written."""
    return execute(url, "SELECT xmin::text, ctid::text, u::text FROM users AS u ORDER BY ctid")


# --- at work ---


def test_a_large_table_is_filled_while_others_read_and_write(project: Project, live: str) -> None:
    project.set(lock_timeout=5)
    execute(live, USERS.format(rows=100_000))
    process = project.start("backfill users", **FILL, **LIVE)
    waited, written = 0.0, 0
    with connected(live) as other:
        while process.poll() is None:
            begun = time.monotonic()
            row = written * 997 % 100_000 + 1
            other.execute("UPDATE users SET username = username || '!' WHERE id = %s", [row])
            other.execute("SELECT count(*) FROM users WHERE id < 500")
            other.execute("INSERT INTO users VALUES (%s, 'new')", [200_000 + written])
            waited, written = max(waited, time.monotonic() - begun), written + 1
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert "No row matches any more." in said
    assert written > 20
    assert waited < 2  # and not as long as all of it takes
    changed_later = "rtrim(username, '!') = rtrim(nick, '!')"
    query = f"SELECT count(*) FROM users WHERE {changed_later} AND touched = 1"  # noqa: S608
    assert value(live, query) == value(
        live, "SELECT count(*) FROM users WHERE id <= 200000 OR nick > ''"
    )
    assert value(live, "SELECT count(*) FROM users WHERE username LIKE '%!'") > 20


def test_a_batch_is_a_transaction_and_rows_that_do_not_match_are_not_written(
    project: Project, users: str
) -> None:
    execute(users, "UPDATE users SET nick = 'kept' WHERE id IN (1, 7, 30)")
    kept = [row for row in content(users) if "kept" in row[2]]
    ran = fill(project)
    assert ran.code == 0, ran.said
    assert "Updated 27 row(s) of public.users, in 3 batch(es) and " in ran.out
    assert [row for row in content(users) if "kept" in row[2]] == kept
    counts = execute(users, "SELECT count(*) FROM users WHERE touched = 1 GROUP BY xmin ORDER BY 1")
    assert counts == [(7,), (10,), (10,)]
    before = content(users)
    again = fill(project)
    assert (again.code, again.out) == (
        0,
        "No row of public.users matches in live. Nothing was changed.\n",
    )
    assert content(users) == before


def test_killed_in_the_middle_and_run_again_every_row_is_updated_once(
    project: Project, users: str
) -> None:
    process = project.start("backfill users", **FILL, **LIVE, batch_size="1", pause="0.02")
    until(lambda: value(users, FILLED) >= 3)
    kill(process)
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    until(lambda: value(users, sessions) == 1)  # the server has noticed
    assert 3 <= value(users, FILLED) < 30
    assert fill(project).code == 0
    assert value(users, FILLED) == 30


def test_stopped_by_ctrl_c_it_says_what_is_done_and_goes_on_when_repeated(
    project: Project, users: str
) -> None:
    process = project.start("backfill users", **FILL, **LIVE, batch_size="1", pause="0.1")
    until(lambda: value(users, FILLED) >= 3)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=30)[0]
    done = value(users, FILLED)
    assert process.returncode == 130
    assert f"{done} rows are updated and stay so; the same command goes on with the others." in said
    assert said.endswith("Repeat the command to go on.\n")
    assert "Traceback" not in said
    assert f"Updated {30 - done} row(s)" in fill(project).out
    assert value(users, FILLED) == 30


def test_a_second_backfill_of_the_table_is_refused_and_one_of_another_table_is_not(
    project: Project, users: str
) -> None:
    execute(users, "CREATE TABLE teams (id int PRIMARY KEY, nick text, username text, touched int)")
    execute(users, "INSERT INTO teams VALUES (1, NULL, 'a', 0)")
    process = project.start("backfill users", **FILL, **LIVE, batch_size="1", pause="60")
    until(lambda: value(users, FILLED))
    second = fill(project)
    assert second.code == 5
    assert "another backfill of public.users holds the lock: PID " in second.err
    assert "Nothing was changed. Retry when it ends." in second.err
    assert fill(project, message="teams").code == 0
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)


def test_how_far_it_is_and_how_long_the_rest_takes_is_told_now_and_then(
    project: Project, users: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "REPORT_EVERY", 0)
    assert "  20 of 30 rows (66 %), about 0 s left\n" in fill(project).err


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "0 s"), (119, "119 s"), (150, "2 min"), (7300, "2 h")]
)
def test_a_time_is_told_in_one_unit(seconds: float, told: str) -> None:
    assert backfill.duration(seconds) == told


# --- others in between ---


def test_a_row_that_somebody_else_has_locked_is_tried_again_and_then_it_is_busy(
    project: Project, users: str
) -> None:
    with holding(users, "SELECT FROM users WHERE id = 15 FOR UPDATE"):
        ran = fill(project)
    assert ran.code == 5
    assert ran.out.count("canceling statement due to lock timeout: retry in ") == 2
    assert (
        "rows of public.users with users.id from (11) to (20) cannot be updated: cancel" in ran.err
    )
    assert "10 rows are updated and stay so" in ran.err
    assert value(users, FILLED) == 10
    assert fill(project).code == 0
    assert value(users, FILLED) == 30


def test_a_lock_that_is_released_in_time_is_no_failure(project: Project, users: str) -> None:
    with holding(users, "SELECT FROM users WHERE id = 15 FOR UPDATE"):
        process = project.start("backfill users", **FILL, **LIVE, batch_size="10")
        assert process.stdout
        until(lambda: "retry in" in (process.stdout.readline() if process.stdout else ""))
    said = process.communicate(timeout=30)[0]
    assert process.returncode == 0, said
    assert value(users, FILLED) == 30


@pytest.mark.parametrize(
    "fault",
    [
        "RAISE 'deadlock detected' USING ERRCODE = '40P01'",
        "RAISE 'could not serialize access' USING ERRCODE = '40001'",
        "PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(1)",
    ],
)
def test_a_deadlock_a_serialization_failure_and_a_lost_connection_are_tried_again(
    project: Project, users: str, fault: str
) -> None:
    body = f"IF nextval('calls') = 1 THEN {fault}; END IF;"
    execute(users, TRIGGER.format(body=body))
    ran = fill(project)
    assert ran.code == 0, ran.said
    assert ran.out.count("retry in") == 1
    assert value(users, FILLED) == 30


def test_a_connection_that_is_lost_again_and_again_is_an_error_that_says_what_is_done(
    project: Project, users: str
) -> None:
    execute(
        users, TRIGGER.format(body="PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(1);")
    )
    ran = fill(project)
    assert ran.code == 1
    assert "10 rows are updated and stay so" in ran.err
    assert value(users, FILLED) == 10


def test_rows_that_are_added_behind_it_are_updated_too(project: Project, users: str) -> None:
    execute(users, TRIGGER.format(body="INSERT INTO users VALUES (-1, 'late');"))
    ran = fill(project)
    assert ran.code == 0, ran.said
    assert "Updated 31 row(s)" in ran.out
    assert value(users, FILLED) == 31


def test_where_others_go_on_to_write_rows_that_match_it_ends_and_says_so(
    project: Project, users: str
) -> None:
    body = "INSERT INTO users VALUES (-nextval('calls'), 'late');"
    execute(users, TRIGGER.format(body=body).replace("NEW.id = 15", "NEW.id = 15 OR NEW.id < 0"))
    ran = fill(project)
    assert ran.code == 1
    assert "updated 32 row(s) of public.users" in ran.err
    assert "But 1 row(s) match that others wrote meanwhile" in ran.err


# --- what is refused ---


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"set": "nick = username, touched = 1", "where": "username IS NOT NULL"}, "10 of 10"),
        ({"set": "nick = nullif(username, 'user 3')"}, "1 of 10"),
        ({"set": "touched = 1", "where": "true"}, "10 of 10"),
    ],
)
def test_a_condition_that_stays_true_is_found_in_the_first_batch_and_nothing_is_changed(
    project: Project, users: str, options: dict[str, str | bool], count: str
) -> None:
    before = content(users)
    ran = fill(project, **options)
    assert ran.code == 3
    assert f"{count} updated row(s) match where=" in ran.err
    assert "Nothing was changed." in ran.err
    assert content(users) == before


def test_rows_that_a_trigger_keeps_as_they_are_do_not_make_it_endless(
    project: Project, users: str
) -> None:
    execute(users, TRIGGER.format(body="RETURN NULL;"))
    ran = fill(project)
    assert ran.code == 1
    assert "1 row(s) match" in ran.err
    assert value(users, FILLED) == 29


def test_the_key_itself_is_not_updated(project: Project, users: str) -> None:
    before = content(users)
    ran = fill(project, set="id = id + 1000, nick = ''")
    assert ran.code == 3
    assert "changes the key of public.users" in ran.err
    assert "Nothing was changed." in ran.err
    assert content(users) == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "ALTER TABLE users ADD CONSTRAINT short CHECK (nick <> 'user 15')",
            'new row for relation "users" violates check constraint "short"',
        ),
        ("INSERT INTO users VALUES (100, '', 'user 15'); CREATE UNIQUE INDEX one ON users (nick)",
         "duplicate key value violates unique constraint"),
        (TRIGGER.format(body="RAISE 'not this one';"), "not this one"),
        (TRIGGER.format(body="NEW.touched = 1 / (NEW.id - 15);"), "division by zero"),
        ("ALTER TABLE users ALTER nick TYPE varchar(7); UPDATE users SET username = 'too long a name'"
         " WHERE id = 15", "value too long for type character varying(7)"),
    ],
)  # fmt: skip
def test_rows_that_do_not_allow_it_are_named_and_what_was_done_before_stays(
    project: Project, users: str, change: str, told: str
) -> None:
    execute(users, change)
    ran = fill(project)
    assert ran.code == 3, ran.said
    assert f"cannot be updated: {told}" in ran.err
    assert "DETAIL" not in ran.err
    assert "rows of public.users with users.id from (11) to (20)" in ran.err
    assert "10 rows are updated and stay so" in ran.err
    assert value(users, FILLED) == 10


WRONG: list[tuple[dict[str, str], str]] = [
    ({"set": "nick = usrname"}, 'column "usrname" does not exist'),
    ({"set": "nck = username"}, 'column "nck" of relation "users" does not exist'),
    ({"set": "nick = username + 1"}, "operator does not exist"),
    ({"set": "nick username"}, 'syntax error at or near "username"'),
    ({"set": "nick = username,"}, "syntax error at end of input"),
    ({"set": ""}, "syntax error at end of input"),
    ({"set": "nick = 1 / 0"}, "division by zero"),
    ({"where": "nickname IS NULL"}, 'column "nickname" does not exist'),
    ({"where": "nick"}, "argument of WHERE must be type boolean"),
    ({"where": ""}, "syntax error at end of input"),
    ({"where": "count(*) > 1"}, "aggregate functions are not allowed in WHERE"),
    ({"where": "nick = $1"}, "supplies 0 parameters"),
    # Nothing that is typed is more than an expression.
    ({"set": "nick = 'x'; DROP TABLE users"}, "cannot insert multiple commands"),
    ({"set": "nick = 'x'; COMMIT; DROP TABLE users; --"}, "cannot insert multiple commands"),
    ({"where": "true; DROP TABLE users"}, "cannot insert multiple commands"),
    ({"where": "true) OR (true"}, 'syntax error at or near ")"'),
    ({"where": "true); DROP TABLE users; --"}, 'syntax error at or near ")"'),
    ({"where": "nick IS NULL /*"}, "unterminated /* comment"),
    ({"where": "nick = '"}, "unterminated quoted string"),
    ({"where": "nick = $$"}, "unterminated dollar-quoted string"),
    ({"where": "true ORDER BY id"}, "syntax error"),
    ({"where": "true UNION SELECT"}, "syntax error"),
    ({"where": "true LIMIT 1"}, "syntax error"),
    ({"where": "true FOR UPDATE"}, "syntax error"),
    ({"set": "nick = 'x' WHERE true"}, "syntax error"),
    ({"set": "nick = 'x' WHERE true --"}, "syntax error"),
    ({"set": "nick = 'x' FROM users AS others"}, "syntax error"),
    ({"set": "nick = 'x' RETURNING id"}, "syntax error"),
    ({"set": "nick = (SELECT 'x'"}, "syntax error"),
    ({"set": "nick = 'x' /*"}, "unterminated /* comment"),
    ({"message": "nosuch"}, "there is no table 'nosuch'"),
    ({"message": "users; DROP TABLE users"}, "table 'users; DROP TABLE users'"),
    ({"message": "a.b.c.d"}, "table 'a.b.c.d'"),
    ({"message": ""}, "table ''"),
    ({"message": "readers"}, "public.readers is no table"),
]


def test_what_postgresql_does_not_accept_is_told_in_its_words_and_nothing_is_changed(
    project: Project, users: str
) -> None:
    execute(users, "CREATE VIEW readers AS SELECT * FROM users")
    before = content(users)
    for options, told in WRONG:
        for dry_run in (True, False):
            ran = fill(project, **options, dry_run=dry_run)
            assert ran.code == 1, options
            assert told in ran.err, options
            assert "Nothing was changed." in ran.err
    assert content(users) == before


@pytest.mark.parametrize(
    "options",
    [
        {"where": "nick IS NULL -- and no comment"},
        {"set": "nick = username, touched = touched + 1 -- and no comment"},
        {"where": "nick IS NULL OR nick LIKE '%s %' AND false"},
        {"where": "users.nick IS NULL OR public.users.nick = ')'"},
        {"set": "nick = (SELECT max(o.username) FROM users AS o WHERE o.id = users.id),"
                " touched = (SELECT 1 FROM pg_class LIMIT 1)"},
        {"set": "(nick, touched) = (SELECT username, 1)"},
        {"where": "id IN (SELECT id FROM users WHERE nick IS NULL)"},
    ],
)  # fmt: skip
def test_whatever_is_one_expression_is_accepted(
    project: Project, users: str, options: dict[str, str | bool]
) -> None:
    ran = fill(project, **options)
    assert ran.code == 0, ran.said
    assert value(users, FILLED) == 30


def test_a_role_that_may_not_update_is_told_before_anything_is_changed(
    project: Project, users: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(users, "CREATE ROLE reader LOGIN; GRANT SELECT ON users TO reader")
    monkeypatch.setenv("LIVE_DATABASE_URL", users.replace("//postgres@", "//reader@"))
    ran = fill(project)
    execute(users, "DROP OWNED BY reader; DROP ROLE reader")
    assert ran.code == 1
    assert "permission denied for table users\nNothing was changed." in ran.err


def test_a_statement_that_takes_too_long_is_an_error_and_not_tried_again(
    project: Project, users: str
) -> None:
    project.set(statement_timeout=0.2)
    ran = fill(project, set="nick = username || pg_sleep(60)")
    assert ran.code == 1
    assert "canceling statement due to statement timeout" in ran.err
    assert "retry" not in ran.out


def test_a_deployed_database_is_named_and_wants_a_confirmation(
    project: Project, users: str
) -> None:
    ran = fill(project, yes=False)
    assert ran.code == 3
    assert "This will change live (database scratch_" in ran.out
    assert ": update 30 row(s) of public.users: SET nick = username" in ran.out
    assert "Add: yes=1" in ran.err
    assert value(users, FILLED) == 0


def test_what_is_missing_on_the_command_line_is_named(project: Project, users: str) -> None:
    for given in ({"set": "nick = ''"}, {"where": "nick IS NULL"}, {**FILL, "batch_size": "0"}):
        ran = project.run("backfill users", **given)
        assert ran.code == 1
        assert ran.err.endswith("Nothing was changed.\n")


# --- tables and keys ---


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ("a int UNIQUE", ""),
        ("a int NOT NULL, b int, UNIQUE (a, b)", ""),
        ("a int NOT NULL, b int NOT NULL, UNIQUE (a, b)", "t.a, t.b"),
        ("a int NOT NULL UNIQUE, b int PRIMARY KEY", "t.b"),
        ("a int NOT NULL UNIQUE, b int NOT NULL, c int, UNIQUE (a, b)", "t.a"),
        ("a int NOT NULL, b int, UNIQUE (a) INCLUDE (b)", "t.a"),
        ("a int NOT NULL", ""),
    ],
)
def test_the_key_is_one_that_no_null_is_in(
    project: Project, live: str, columns: str, key: str
) -> None:
    execute(live, f"CREATE TABLE t ({columns}, n int)")
    execute(
        live,
        "CREATE UNIQUE INDEX next ON t ((n + 1)); CREATE UNIQUE INDEX part ON t (a) WHERE a > 1",
    )
    with connected(live) as connection:
        if key:
            assert prepare(connection, "t", "n = 1", "n IS NULL", 9).columns == key.split(", ")
    ran = project.run("backfill t", set="n = 1", where="n IS NULL", **LIVE)
    assert ran.code == (0 if key else 3), ran.said
    assert ("has neither a primary key nor a unique index" in ran.err) == (not key)


ODD = [
    "",
    "'",
    '"',
    "\\",
    "%s",
    "$1",
    "NULL",
    "{}",
    ",",
    "a,b",
    "(",
    "ü",
    " ",
    "a b",
    "--",
    "\n",
    "a\tb",
]


def test_keys_of_several_texts_with_odd_names_and_values(project: Project, live: str) -> None:
    execute(live, 'CREATE SCHEMA "odd one"; CREATE TABLE "odd one"."My ""%s"" $1" ("from" text, "a ""b%" text,'
                  ' "Sum" int, PRIMARY KEY ("from", "a ""b%"))')  # fmt: skip
    table = '"odd one"."My ""%s"" $1"'
    with connected(live) as connection:
        for first in ODD:
            for second in ODD:
                statement = f"INSERT INTO {table} VALUES (%s, %s, 0)".replace('"%s"', '"%%s"')  # noqa: S608
                connection.execute(statement.encode(), [first, second])
    options: dict[str, str | bool] = {"set": '"Sum" = "Sum" + 1', "where": '"Sum" = 0'}
    ran = fill(project, message=table, **options, batch_size="7")
    assert ran.code == 0, ran.said
    count = len(ODD) ** 2
    assert f"Updated {count} row(s)" in ran.out
    assert execute(live, f'SELECT "Sum", count(*) FROM {table} GROUP BY 1') == [(1, count)]  # noqa: S608


KEYS = [
    ("uuid", "md5(i::text)::uuid"),
    ("timestamptz", "'2026-01-01 12:00:00.123456+02'::timestamptz + i * interval '1 day 1 us'"),
    ("date", "date '2026-01-01' + i"),
    ("numeric", "i / 7.0"),
    ("double precision", "i / 7.0::float8"),
    ("char(7)", "'k' || i"),
    ("varchar(7)", "'k' || i"),
    ("bytea", "decode(lpad(to_hex(i), 8, '0'), 'hex')"),
    ("positive", "i"),
    ("color[]", "array_fill('red'::color, ARRAY[i])"),
    ("interval", "i * interval '1 month 1 day'"),
    ("boolean", "i % 2 = 0"),
    ('text COLLATE "C"', "chr(64 + i)"),
]


@pytest.mark.parametrize(("kind", "expression"), KEYS, ids=lambda each: each)
def test_keys_of_any_type_are_walked_in_their_order(
    project: Project, live: str, kind: str, expression: str
) -> None:
    execute(live, f"""
        CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TYPE color AS ENUM ('red');
        CREATE TABLE t (k {kind}, i int, n int DEFAULT 0, PRIMARY KEY (k, i));
        INSERT INTO t SELECT {expression}, i FROM generate_series(1, 25) AS i;
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = ''SQL, DMY''', current_database());
        END $$""")  # fmt: skip  # noqa: S608
    ran = project.run("backfill t", set="n = n + 1", where="n = 0", batch_size="4", **LIVE)
    assert ran.code == 0, ran.said
    assert "Updated 25 row(s) of public.t, in 7 batch(es)" in ran.out
    assert value(live, "SELECT count(*) FROM t WHERE n = 1") == 25


def test_a_partitioned_table_is_filled_with_its_partitions(project: Project, live: str) -> None:
    execute(
        live,
        """
        CREATE TABLE t (k int, region text, n int, PRIMARY KEY (region, k)) PARTITION BY LIST (region);
        CREATE TABLE t_eu PARTITION OF t FOR VALUES IN ('eu');
        CREATE TABLE t_us PARTITION OF t FOR VALUES IN ('us');
        INSERT INTO t SELECT i, r FROM generate_series(1, 15) AS i, unnest(ARRAY['eu', 'us']) AS r""",
    )
    ran = project.run("backfill t", set="n = k", where="n IS NULL", batch_size="4", **LIVE)
    assert ran.code == 0, ran.said
    assert value(live, "SELECT count(*) FROM t WHERE n = k") == 30


def test_the_plan_goes_by_the_key_whatever_the_statistics_say(project: Project, live: str) -> None:
    execute(live, USERS.format(rows=20_000) + "; ANALYZE users; UPDATE users SET nick = username")  # noqa: S608
    with connected(live) as connection:
        made = prepare(connection, "users", "nick = NULL", "nick IS NOT NULL", 100)
        plan = run_one(connection, f"EXPLAIN {made.next_keys(('500',))}", "500")
    text = "\n".join(line for (line,) in plan)
    assert "Index Scan using users_pkey" in text
    assert "Sort" not in text


# --- a dry run ---


def test_a_dry_run_counts_shows_the_first_batch_with_its_plan_and_changes_nothing(
    project: Project, users: str
) -> None:
    before = content(users)
    ran = fill(project, dry_run=True)
    assert ran.code == 0, ran.said
    assert ran.out.startswith(
        "-- the first batch: users.id from (1) to (10)\nUPDATE public.users SET"
    )
    assert "Update on users  (cost=" in ran.out
    assert "30 row(s) of public.users match in live (database scratch_" in ran.out
    assert ran.out.endswith(" Nothing was changed.\n")
    assert content(users) == before


def test_a_dry_run_changes_nothing_though_the_condition_would(project: Project, users: str) -> None:
    execute(users, "CREATE FUNCTION f() RETURNS boolean LANGUAGE sql"
                   " AS $$ DELETE FROM users; SELECT true $$")  # fmt: skip
    before = content(users)
    ran = fill(project, where="f()", dry_run=True)
    assert ran.code == 1
    assert "cannot execute DELETE in a read-only transaction" in ran.err
    assert content(users) == before
