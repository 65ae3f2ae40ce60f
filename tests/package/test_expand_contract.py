"""A change in two halves: between them, the code of both versions is at work, and everything is green."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread
from typing import Any, NamedTuple

import psycopg
import pytest

from modelmigrate.errors import Exit
from tests.package.harness import Project, connected, execute, roll_back
from tests.package.test_create import migrated, models, started

TEAMS = "CREATE TABLE teams (id integer PRIMARY KEY, name text);"


class Change(NamedTuple):
    """What models were and are; what code of both versions does, over and over, and what it then reads."""

    old: list[str]
    new: list[str]
    rows: str
    old_code: str
    new_code: str
    read: str
    """What new code reads in the end."""
    rename: str = ""
    answer: object = None
    filled: bool = True


def users(*columns: str) -> str:
    return f"CREATE TABLE users (id integer PRIMARY KEY, {', '.join(columns)});"


def odd(text: str) -> str:
    """With names that need quotes: of a table, and of a column."""
    return text.replace("@", '"Sales"."My Users"').replace("~", '"old ""n"""')


CHANGES = {
    "a renamed column": Change(
        [users("nick varchar(50)"), "CREATE INDEX ix_users_nick ON users (nick);"],
        [users("nickname varchar(50)"), "CREATE INDEX ix_users_nickname ON users (nickname);"],
        "INSERT INTO users VALUES (1, 'ann'), (2, NULL)",
        "INSERT INTO users (id, nick) VALUES (3, 'old'); UPDATE users SET nick = 'bob' WHERE id = 2",
        "INSERT INTO users (id, nickname) VALUES (4, 'new');"
        "UPDATE users SET nickname = NULL WHERE id = 3",
        "SELECT id, nickname FROM users ORDER BY id",
        "users.nick:nickname",
        [(1, "ann"), (2, "bob"), (3, None), (4, "new")],
    ),
    "a renamed column that must be filled and is unique": Change(
        [users("nick text NOT NULL CONSTRAINT uq_nick UNIQUE")],
        [users("nickname text NOT NULL CONSTRAINT uq_nick UNIQUE")],
        "INSERT INTO users VALUES (1, 'ann'), (2, 'bob')",
        "INSERT INTO users (id, nick) VALUES (3, 'old')",
        "INSERT INTO users (id, nickname) VALUES (4, 'new') ON CONFLICT (nickname) DO NOTHING;"
        "INSERT INTO users (id, nickname) VALUES (5, 'new') ON CONFLICT (nickname) DO NOTHING",
        "SELECT id, nickname FROM users ORDER BY id",
        "users.nick:nickname",
        [(1, "ann"), (2, "bob"), (3, "old"), (4, "new")],
    ),
    "a renamed key that others refer to": Change(
        [
            "CREATE TABLE teams (id serial PRIMARY KEY, name text);",
            users("team_id integer NOT NULL CONSTRAINT fk_team REFERENCES teams (id)"),
        ],
        [
            "CREATE TABLE teams (number serial PRIMARY KEY, name text);",
            users("team_id integer NOT NULL CONSTRAINT fk_team REFERENCES teams (number)"),
        ],
        "INSERT INTO teams (name) VALUES ('a'); INSERT INTO users VALUES (1, 1)",
        "INSERT INTO teams (name) VALUES ('b')",
        "INSERT INTO teams (name) VALUES ('c'); INSERT INTO users VALUES (2, 3)",
        "SELECT number, name FROM teams ORDER BY 1",
        "teams.id:number",
        [(1, "a"), (2, "b"), (3, "c")],
    ),
    "a renamed identity": Change(
        ["CREATE TABLE teams (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);"],
        [
            "CREATE TABLE teams (number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);"
        ],
        "INSERT INTO teams (name) VALUES ('a')",
        "INSERT INTO teams (name) VALUES ('b')",
        "INSERT INTO teams (name) VALUES ('c')",
        "SELECT number, name FROM teams ORDER BY 1",
        "teams.id:number",
        [(1, "a"), (2, "b"), (3, "c")],
    ),
    "names that need quotes, in another schema": Change(
        [odd('CREATE SCHEMA "Sales";'), odd("CREATE TABLE @ (id integer PRIMARY KEY, ~ json);")],
        [
            odd('CREATE SCHEMA "Sales";'),
            odd('CREATE TABLE @ (id integer PRIMARY KEY, "order" json);'),
        ],
        odd("INSERT INTO @ VALUES (1, '[]')"),
        odd("INSERT INTO @ (id, ~) VALUES (2, '[2]')"),
        odd("INSERT INTO @ (id, \"order\") VALUES (3, '[3]')"),
        odd('SELECT id, "order"::text FROM @ ORDER BY 1'),
        odd('Sales."My Users".~:order'),
        [(1, "[]"), (2, "[2]"), (3, "[3]")],
    ),
    "another type, with an index and a unique key": Change(
        [
            users("n integer NOT NULL DEFAULT 7", "CONSTRAINT uq_n UNIQUE (n, id)"),
            "CREATE INDEX ix_n ON users (n);",
        ],
        [
            users("n bigint NOT NULL DEFAULT 7", "CONSTRAINT uq_n UNIQUE (n, id)"),
            "CREATE INDEX ix_n ON users (n);",
        ],
        "INSERT INTO users VALUES (1, 1), (2, 2)",
        "INSERT INTO users (id) VALUES (3)",
        "UPDATE users SET n = 22 WHERE id = 2",
        "SELECT id, n FROM users ORDER BY id",
        "",
        [(1, 1), (2, 22), (3, 7)],
    ),
    "a dropped column": Change(
        [users("bio text NOT NULL", "CONSTRAINT uq_bio UNIQUE (bio)")],
        [users("age integer")],
        "INSERT INTO users VALUES (1, 'a')",
        "INSERT INTO users (id, bio) VALUES (2, 'b')",
        "INSERT INTO users (id, age) VALUES (3, 3)",
        "SELECT id, age FROM users ORDER BY id",
        "none",
        [(1, None), (2, None), (3, 3)],
        filled=False,
    ),
    "a dropped table": Change(
        [TEAMS, users("team_id integer REFERENCES teams (id)")],
        [users("age integer")],
        "INSERT INTO teams VALUES (1, 'a'); INSERT INTO users VALUES (1, 1)",
        "INSERT INTO teams VALUES (2, 'a'); INSERT INTO users (id, team_id) VALUES (2, 2)",
        "INSERT INTO users (id, age) VALUES (3, 3)",
        "SELECT id, age FROM users ORDER BY id",
        "none",
        [(1, None), (2, None), (3, 3)],
        filled=False,
    ),
    "a new column that code fills": Change(
        [users("age integer")],
        [users("age integer NOT NULL", "email text NOT NULL")],
        "INSERT INTO users VALUES (1, 1)",
        "INSERT INTO users (id) VALUES (2)",
        "INSERT INTO users (id, age, email) VALUES (3, 3, 'c');"
        "UPDATE users SET age = 0 WHERE age IS NULL; UPDATE users SET email = 'x' WHERE email IS NULL",
        "SELECT id, age, email FROM users ORDER BY id",
        "",
        [(1, 1, "x"), (2, 0, "x"), (3, 3, "c")],
        filled=False,
    ),
    "a renamed table": Change(
        [users("nick text", "age integer DEFAULT 7")],
        [users("nick text", "age integer DEFAULT 7").replace("users", "people")],
        "INSERT INTO users VALUES (1, 'a')",
        "INSERT INTO users (id, nick) VALUES (2, 'b') ON CONFLICT (id) DO NOTHING;"
        "UPDATE users SET nick = 'aa' WHERE id = 1; DELETE FROM users WHERE id = 9",
        "INSERT INTO people (id, nick) VALUES (3, 'c')",
        "SELECT id, nick, age FROM people ORDER BY id",
        "users:people",
        [(1, "aa", 7), (2, "b", 7), (3, "c", 7)],
        filled=False,
    ),
}


def half(project: Project, **options: str | bool) -> str:
    """Create a half, of which lint has nothing to say; what was said."""
    ran = project.run("create", **({"message": "change"} | options))
    assert ran.code == 0, ran.said
    assert "lint:" not in ran.said
    assert project.run("check").code == 0
    return ran.said


def fill(project: Project, said: str) -> None:
    """Run the backfills that were asked for."""
    lines = re.findall(r"^  make migrate-backfill (.*)$", said, re.MULTILINE)
    assert lines, said
    for line in lines:
        given = dict(each.split("=", 1) for each in shlex.split(line))
        ran = project.run("backfill", message=given.pop("table"), env="live", yes=True, **given)
        assert ran.code == 0, ran.said


def begin(project: Project, live: str, change: Change) -> str:
    """Apply the first half to a database with rows; what was said of it."""
    started(project, *change.old)
    execute(live, change.rows)
    models(project, *change.new)
    said = half(project, expand=True, **({"rename": change.rename} if change.rename else {}))
    migrated(project)
    return said


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_code_of_both_versions_works_between_the_two_halves(
    project: Project, live: str, change: Change
) -> None:
    said = begin(project, live, change)
    execute(live, change.old_code)
    execute(live, change.new_code)
    if change.filled:
        fill(project, said)
    half(project, contract=True)
    migrated(project)
    assert execute(live, change.read) == change.answer
    assert "No changes" in project.run("create", message="nothing").said


# --- everybody at work ---

NICK = CHANGES["a renamed column that must be filled and is unique"]
TYPE = CHANGES["another type, with an index and a unique key"]


@contextmanager
def at_work(url: str, *statements: str, start: int = 1) -> Iterator[None]:
    """Meanwhile, somebody runs these statements over and over, each with the next number; none fails."""
    stop, failed = Event(), list[BaseException]()

    def work() -> None:
        try:
            with connected(url) as connection:
                for number in count(start):
                    for statement in statements:
                        connection.execute(statement.format(number).encode())
                    if stop.is_set():
                        return
        except psycopg.Error as error:
            failed.append(error)

    worker = Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()
    assert not failed


@pytest.mark.parametrize(
    ("change", "old", "new", "in_step"),
    [
        (
            NICK,
            [
                "INSERT INTO users (id, nick) VALUES (1000 + {0}, 'o{0}')",
                "UPDATE users SET nick = 'u{0}' WHERE id = 1",
            ],
            [
                "INSERT INTO users (id, nickname) VALUES (-{0}, 'n{0}')",
                "UPDATE users SET nickname = 'v{0}' WHERE id = 2",
            ],
            "SELECT count(*) FROM users WHERE nick IS DISTINCT FROM nickname",
        ),
        (
            TYPE,
            [
                "INSERT INTO users (id, n) VALUES (1000 + {0}, {0})",
                "UPDATE users SET n = {0} WHERE id = 1",
            ],
            [
                "INSERT INTO users (id, n) VALUES (-{0}, {0})",
                "UPDATE users SET n = {0} WHERE id = 2",
            ],
            "SELECT count(*) FROM users WHERE n IS DISTINCT FROM n_new",
        ),
    ],
    ids=["a name", "a type"],
)
def test_nobody_fails_and_no_value_differs_while_it_is_applied(
    project: Project, live: str, change: Change, old: list[str], new: list[str], in_step: str
) -> None:
    project.set(lock_timeout=1)
    started(project, *change.old)
    execute(live, change.rows)
    models(project, *change.new)
    said = half(project, expand=True, **({"rename": change.rename} if change.rename else {}))
    with at_work(live, *old):
        migrated(project)
        with at_work(live, *new):
            fill(project, said)
            half(project, contract=True)
        assert execute(live, in_step) == [(0,)]
    with at_work(live, *new, start=1_000_000):
        migrated(project)
    assert execute(live, "SELECT count(*) > 4 FROM users") == [(True,)]


# --- between the two halves ---


def test_the_second_half_refuses_rows_that_are_not_filled_and_loses_nothing(
    project: Project, live: str
) -> None:
    said = begin(project, live, NICK)
    half(project, contract=True)
    ran = project.run("apply", env="live", yes=True)
    assert ran.code == Exit.ERROR
    assert "rows of users do not have the value of nick in nickname yet" in ran.said
    assert "make migrate-backfill table=users" in ran.said
    assert execute(live, "SELECT nick, nickname FROM users ORDER BY id") == [
        ("ann", None),
        ("bob", None),
    ]
    fill(project, said)
    migrated(project)
    assert execute(live, "SELECT nickname FROM users ORDER BY id") == [("ann",), ("bob",)]


TOUCH = {
    "functions/touch": "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN NEW.touched := NEW.touched + 1; RETURN NEW; END $$;",
    "triggers/touch": "CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW"
    " EXECUTE FUNCTION touch();",
}


def test_both_halves_are_taken_back_with_every_value(project: Project, live: str) -> None:
    for name, text in TOUCH.items():
        file = project.folder / "src/infrastructure/persistence/sql" / f"{name}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    touched = "touched integer NOT NULL DEFAULT 0, id integer"
    old, new = (
        [each.replace("id integer", touched) for each in side] for side in (NICK.old, NICK.new)
    )
    rows = "INSERT INTO users (id, nick) VALUES (1, 'ann'), (2, 'bob')"
    fill(project, begin(project, live, NICK._replace(old=old, new=new, rows=rows)))
    half(project, contract=True)
    migrated(project)
    ran = project.run("down", env="live", yes=True)
    assert ran.code == 0, ran.said
    found = execute(live, "SELECT nick, nickname FROM users ORDER BY id")
    assert found == [("ann", "ann"), ("bob", "bob")]
    execute(live, "UPDATE users SET nick = 'cid' WHERE id = 1")
    assert execute(live, "SELECT nickname FROM users WHERE id = 1") == [("cid",)]
    roll_back(project)
    assert execute(live, "SELECT nick FROM users ORDER BY id") == [("cid",), ("bob",)]


def test_other_changes_are_made_meanwhile(project: Project, live: str) -> None:
    fill(project, begin(project, live, NICK))
    new = [each.replace("id integer", "age integer, id integer") for each in NICK.new]
    models(project, *new)
    ran = project.run("create", message="age")
    assert ran.code == 0, ran.said
    statements = re.findall(r"^(?:ALTER|CREATE|DROP).*", ran.out, re.MULTILINE)
    assert statements == ['ALTER TABLE "users" ADD COLUMN "age" integer NULL;']
    migrated(project)
    for command in ("check", "validate", "lint"):
        assert project.run(command).code == 0
    assert project.run("drift", env="live", against="models").code == 0
    models(project, *new, "CREATE INDEX ix_age ON users (age);")
    said = half(project, contract=True)
    assert "-- gate:phase contract\n-- atlas:txmode none\n\n" in said
    migrated(project)
    assert execute(live, "SELECT nickname, age FROM users") == [("ann", None), ("bob", None)]


def test_a_model_that_went_back_takes_the_first_half_back(project: Project, live: str) -> None:
    begin(project, live, NICK)
    models(project, *NICK.old)
    assert project.run("check").code == Exit.DRIFT
    ran = project.run("create", message="back", expand=True)
    assert ran.code == Exit.REFUSED
    assert "no longer ask for users.nick:nickname" in ran.said
    assert project.run("create", message="back").code == 0
    migrated(project)
    assert execute(live, "SELECT * FROM users ORDER BY id") == [(1, "ann"), (2, "bob")]
    ran = project.run("create", message="contract", contract=True)
    assert "nothing is between its two halves" in ran.said


def test_a_value_that_the_new_type_does_not_take_fails_nobody_and_is_not_lost(
    project: Project, live: str
) -> None:
    change = NICK._replace(old=[users("n text")], new=[users("n integer")], rename="")
    begin(project, live, change._replace(rows="INSERT INTO users VALUES (1, '1')"))
    execute(live, "INSERT INTO users VALUES (2, 'two'); UPDATE users SET n = '11' WHERE id = 1")
    assert execute(live, "SELECT n_new FROM users ORDER BY id") == [(11,), (None,)]
    half(project, contract=True)
    assert project.run("apply", env="live", yes=True).code == Exit.ERROR
    execute(live, "UPDATE users SET n = '2' WHERE id = 2")
    migrated(project)
    assert execute(live, "SELECT n FROM users ORDER BY id") == [(11,), (2,)]


# --- what cannot be had ---

GENERATED = users("age integer", "{0} integer GENERATED ALWAYS AS (age * 2) STORED")
PARTS = "CREATE TABLE events (id integer NOT NULL, {0} date NOT NULL) PARTITION BY RANGE ({0});"
REFUSED: dict[str, tuple[list[str], list[str], dict[str, Any], Exit, str]] = {
    "expand where nothing needs it": (
        [users("nick text")],
        [users("nick text", "age integer")],
        {"expand": True},
        Exit.ERROR,
        "nothing needs two halves",
    ),
    "contract where nothing is begun": (
        [users("nick text")],
        [users("nick text")],
        {"contract": True},
        Exit.ERROR,
        "nothing is between its two halves",
    ),
    "both at once": (
        [users("nick text")],
        [users("nick text")],
        {"expand": True, "contract": True},
        Exit.ERROR,
        "exclude each other",
    ),
    "a generated column": (
        [GENERATED.format("old")],
        [GENERATED.format("new")],
        {"expand": True, "rename": "users.old:new"},
        Exit.REFUSED,
        "rename=none",
    ),
    "a key of partitions": (
        [PARTS.format("at")],
        [PARTS.format("day")],
        {"expand": True, "rename": "events.at:day"},
        Exit.REFUSED,
        "before any trigger",
    ),
    "a type of a key": (
        [TEAMS],
        [TEAMS.replace("integer", "bigint")],
        {"expand": True},
        Exit.REFUSED,
        "part of a key",
    ),
    "a table and its column": (
        [users("nick text", "age integer", "bio text")],
        [users("name text", "age integer", "bio text").replace("users", "people")],
        {"expand": True, "rename": "users:people,people.nick:name"},
        Exit.REFUSED,
        "its table gets another name, too",
    ),
}


@pytest.mark.parametrize("title", REFUSED)
def test_what_cannot_be_had_is_refused_before_a_file_is_written(
    project: Project, title: str
) -> None:
    old, new, options, code, words = REFUSED[title]
    project.add("20260101000000_initial", "\n".join(old))
    models(project, *new)
    before = project.names()
    ran = project.run("create", **{"message": "change"} | options)
    assert (ran.code, project.names()) == (code, before), ran.said
    assert words in ran.said
    assert "No file was written" in ran.said


def test_a_column_is_not_begun_twice(project: Project, live: str) -> None:
    begin(project, live, NICK)
    models(project, *(each.replace("nickname text NOT NULL", "nickname json") for each in NICK.new))
    ran = project.run("create", message="again", expand=True)
    assert ran.code != 0
    assert "No file was written" in ran.said


def test_a_line_that_is_not_understood_is_told(project: Project) -> None:
    for line in (
        "-- modelmigrate:expand turn-column users.nick",
        "-- modelmigrate:begin drop-column users.nick",
        "-- modelmigrate:expand rename-column users.nick",
        "-- modelmigrate:contract drop-column users.nick",
    ):
        project.add("20260101000000_initial", f"{line}\n\nCREATE TABLE users (nick text);\n")
        ran = project.run("check")
        assert ran.code == Exit.ERROR
        assert "migrations/20260101000000_initial.sql" in ran.said
        assert line.rpartition(" ")[2] in ran.said
        assert "Traceback" not in ran.said
