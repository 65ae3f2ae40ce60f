"""What is declared in .sql files goes the way of the models: there, and back, exactly."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized
from tests.package.corpus import DECLARED
from tests.package.harness import Project, connected, execute, roll_back
from tests.package.test_create import back, created, migrated, models, refused


def folder_of(statement: str) -> str | None:
    """Where a statement is declared; None for those of the models."""
    words = statement.replace("OR REPLACE ", "").removeprefix("CREATE ")
    return next((DECLARED[kind] for kind in DECLARED if words.startswith(f"{kind} ")), None)


USERS = (
    "CREATE TABLE users"
    " (id INTEGER NOT NULL, nick VARCHAR, age INTEGER, at TIMESTAMPTZ, PRIMARY KEY (id));"
)
BIG = USERS.replace("age INTEGER", "age BIGINT")
AGELESS = USERS.replace("age INTEGER, ", "")
WITH_BIO = USERS.replace("nick VARCHAR", "nick VARCHAR, bio TEXT")
TEAMS = "CREATE TABLE teams (id INTEGER NOT NULL, name VARCHAR, PRIMARY KEY (id));"

BASE = "CREATE VIEW base AS SELECT id, nick, age FROM users;"
TOP = "CREATE VIEW top AS SELECT id, age FROM base;"
KEPT = (
    "CREATE MATERIALIZED VIEW kept AS SELECT id, age FROM base;\n"
    "CREATE UNIQUE INDEX kept_id ON kept (id);"
)
SIZES = (
    "CREATE MATERIALIZED VIEW sizes AS SELECT age, count(*) AS n FROM users GROUP BY age;\n"
    "CREATE UNIQUE INDEX sizes_age ON sizes (age);"
)
STAMP = (
    "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$\n"
    "BEGIN\n  NEW.at := now();\n  RETURN NEW;\nEND\n$$;"
)
STAMPED = "CREATE TRIGGER stamped BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();"
AGED = STAMPED.replace("UPDATE", "UPDATE OF age")
WHEN_AGED = STAMPED.replace("EXECUTE", "WHEN (OLD.age IS DISTINCT FROM NEW.age) EXECUTE")
LATE = "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();"
ATOMIC = (
    "CREATE FUNCTION grown() RETURNS bigint BEGIN ATOMIC"
    " SELECT count(*) FROM users WHERE age > 17; END;"
)
TWICE = "CREATE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * a';"
TIMES = (
    "CREATE FUNCTION twice(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE"
    " AS 'SELECT b * a';"
)
DOUBLED = "CREATE VIEW doubled AS SELECT id, twice(1) AS two FROM users;"
MINE = (
    "CREATE POLICY mine ON users USING (id > 0);\n"
    "COMMENT ON POLICY mine ON users IS 'whose';\n"
    "ALTER TABLE users ENABLE ROW LEVEL SECURITY;"
)
SHORT = "CREATE DOMAIN short AS varchar CONSTRAINT short_some CHECK (VALUE <> '');"
GREET = (
    "CREATE PROCEDURE greet(who text) LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', who; END $$;"
)
TRGM = "CREATE EXTENSION IF NOT EXISTS pg_trgm;"
TRGM_INDEX = "CREATE INDEX ix_users_nick ON users USING gin (nick gin_trgm_ops);"
MOOD = "CREATE TYPE mood AS ENUM ('sad', 'ok');"
FINE = MOOD.replace("'ok'", "'ok', 'fine'")
DAYS = "CREATE TABLE days (id INTEGER NOT NULL, mood mood, PRIMARY KEY (id));"


def place(project: Project) -> Path:
    return project.folder / "src/infrastructure/persistence/sql"


def put(project: Project, name: str, text: str) -> None:
    """Write one file, such as `views/grown`."""
    file = place(project) / f"{name}.sql"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def declare(project: Project, *statements: str) -> None:
    """Models and files say this and nothing else; the files are in the order that helps least."""
    shutil.rmtree(place(project), ignore_errors=True)
    models(project, *(each for each in statements if folder_of(each) is None))
    for number, each in enumerate(statements):
        if folder := folder_of(each):
            put(project, f"{folder}/{99 - number}", each)


def applied(project: Project, **options: str) -> int:
    """The next migrations are written and applied; how many they are."""
    texts = created(project, **options)
    if texts:
        migrated(project)
    return len(texts)


def written(project: Project, **options: str) -> str:
    """What is said where the next migration is written, or nothing is to do."""
    ran = project.run("create", **({"message": "change"} | options))
    assert ran.code == 0, ran.said
    return ran.out


def by_hand(project: Project, *statements: str) -> None:
    """A migration of these statements is written by hand and applied."""
    name = f"2000010100000{len(project.names())}_by_hand"
    project.add(name, "-- atlas:delimiter -- next\n\n" + "\n-- next\n".join(statements))
    ran = project.run("apply", env="live", yes=True)
    assert ran.code == 0, ran.said


def same(url: str, statements: list[str]) -> bool:
    """Whether the database is what these statements make of an empty one."""
    with scratch_database() as plain:
        with connected(plain) as connection:
            for each in ("SET check_function_bodies = off", *statements):
                connection.execute(each.encode())
        return diff_normalized(read_schema(plain), read_schema(url)) == []


# --- several at once ---

# Stories are told side by side, each with names of its own: it is planning that takes time.
CREATED = re.compile(
    r"CREATE (?:OR REPLACE )?(?:CONSTRAINT |MATERIALIZED |RECURSIVE |UNIQUE |EVENT )?"
    r"(?:TABLE|VIEW|FUNCTION|PROCEDURE|AGGREGATE|TRIGGER|TYPE|DOMAIN|SEQUENCE|INDEX|RULE|POLICY)"
    r" (?:IF NOT EXISTS |CONCURRENTLY )?(\w+)"
)


def renaming(statements: list[str], number: int) -> Callable[[str], str]:
    """What gives this number to all names that these statements create."""
    names = {name for each in statements for name in CREATED.findall(each)}
    words = re.compile(rf"\b(?:{'|'.join(sorted(names))})\b")
    return lambda text: words.sub(rf"\g<0>_{number}", text)


# --- the life of each kind ---


class Life(NamedTuple):
    """An object, what has to be there for it, another one in its place, and how it is damaged."""

    base: list[str]
    one: str
    other: str
    damage: str
    label: str


LIVES = {
    "extension": Life([USERS], TRGM, "", "DROP EXTENSION pg_trgm", "missing EXTENSION pg_trgm"),
    "function": Life(
        [USERS],
        STAMP,
        STAMP.replace("now()", "clock_timestamp()"),
        "DROP FUNCTION stamp",
        "missing FUNCTION public.stamp()",
    ),
    "BEGIN ATOMIC function": Life(
        [USERS],
        ATOMIC,
        ATOMIC.replace("17", "20"),
        ATOMIC.replace("CREATE", "CREATE OR REPLACE").replace("17", "99"),
        "changed FUNCTION public.grown()",
    ),
    "procedure": Life(
        [],
        GREET,
        GREET.replace("'%'", "'hello %'"),
        GREET.replace("CREATE", "CREATE OR REPLACE").replace("%", "bye %"),
        "changed PROCEDURE public.greet(text)",
    ),
    "trigger": Life(
        [USERS, STAMP],
        STAMPED,
        WHEN_AGED,
        "ALTER TABLE users DISABLE TRIGGER stamped",
        "changed TRIGGER public.users stamped",
    ),
    "constraint trigger": Life(
        [USERS, STAMP],
        LATE,
        LATE.replace(" FOR", " DEFERRABLE INITIALLY DEFERRED FOR"),
        "DROP TRIGGER late ON users",
        "missing TRIGGER public.users late",
    ),
    "view": Life(
        [USERS],
        BASE,
        BASE.replace("FROM users", "FROM users WHERE age > 17"),
        "CREATE OR REPLACE VIEW base AS SELECT id, nick, 1 AS age FROM users",
        "changed VIEW public.base",
    ),
    "materialized view": Life(
        [USERS],
        SIZES,
        SIZES.replace("GROUP", "WHERE age > 17 GROUP"),
        "DROP INDEX sizes_age",
        "missing INDEX public.sizes_age",
    ),
    "policy": Life(
        [USERS],
        MINE,
        MINE.replace("id > 0", "nick IN ('Ada', 'Bob')"),
        "ALTER POLICY mine ON users USING (true)",
        "changed POLICY public.users mine",
    ),
    "domain": Life(
        [],
        SHORT,
        SHORT.replace(" CONSTRAINT", " DEFAULT 'x' NOT NULL CONSTRAINT"),
        "ALTER DOMAIN short DROP CONSTRAINT short_some",
        "changed DOMAIN public.short",
    ),
}


def renamed(life: Life, number: int) -> Life:
    """The life with names of its own; an extension has but one."""
    if life.one == TRGM:
        return life
    rename = renaming([*life.base, life.one], number)
    return Life([rename(each) for each in life.base], *(rename(each) for each in life[1:]))


@pytest.mark.parametrize("kinds", [list(LIVES)[:4], list(LIVES)[4:]], ids="; ".join)
def test_it_is_created_changed_dropped_and_recreated_and_every_step_is_rolled_back(
    project: Project, live: str, monkeypatch: pytest.MonkeyPatch, kinds: list[str]
) -> None:
    lives = [renamed(LIVES[kind], number) for number, kind in enumerate(kinds)]
    base = [TEAMS, *(each for life in lives for each in life.base)]
    ones = [life.one for life in lives]
    others = [life.other for life in lives if life.other]
    declare(project, *base)
    applied(project)
    dumps = [read_schema(live)]
    for step in [ones, *([others] if others else []), [], ones]:
        declare(project, *base, *step)
        assert applied(project) in (
            1,
            2,
        )  # what takes away from older programs has a file of its own
        assert created(project) == []
        assert same(live, [*base, *step])
        dumps.append(read_schema(live))
    with scratch_database(live) as drifted:
        for life in lives:
            execute(drifted, life.damage)
        monkeypatch.setenv("DRIFTED_DATABASE_URL", drifted)
        found = project.run("drift", env="drifted")
    assert found.code == 2
    for life in lives:
        assert life.label in found.said
    for before in reversed(dumps[:-1]):
        back(project, 1)
        assert diff(before, read_schema(live)) == []


# --- what depends on what ---


class Case(NamedTuple):
    """Models and files before and after; in how many migrations, if that is promised, and what helps them."""

    before: list[str]
    after: list[str]
    migrations: int | None = None
    rename: str | None = None


CHANGED_SELECTS = {
    "with another filter": "id, nick, age FROM users WHERE age > 17",
    "with a column more at the end": "id, nick, age, at FROM users",
    "with a column more in between": "id, at, nick, age FROM users",
    "with a column less": "id, age FROM users",
    "with a column of another type": "id, nick, age::bigint AS age FROM users",
    "with its columns in another order": "age, nick, id FROM users",
    "with a column renamed": "id, nick AS name, age FROM users",
}
CHANGED_VIEWS = {
    f"a view {how}, under {what}": Case(
        [USERS, BASE, above], [USERS, f"CREATE VIEW base AS SELECT {select};", above]
    )
    for how, select in CHANGED_SELECTS.items()
    for what, above in {"a view": TOP, "a materialized view": KEPT}.items()
}
# What uses users.age, whatever whole number it is.
OVER_AGE = {
    "a view": [BASE],
    "a view on a view": [BASE, TOP],
    "a materialized view": [SIZES],
    "a materialized view on a view": [BASE, KEPT],
    "a view on a materialized view": [SIZES, "CREATE VIEW big AS SELECT age FROM sizes;"],
    "a trigger on that column": [STAMP, AGED],
    "a trigger with a condition": [STAMP, WHEN_AGED],
    "a constraint trigger on that column": [STAMP, LATE.replace("UPDATE", "UPDATE OF age")],
    "a BEGIN ATOMIC function": [ATOMIC],
    "a BEGIN ATOMIC function under a view": [
        ATOMIC,
        "CREATE VIEW many AS SELECT grown() AS n;",
    ],
    "a view with a trigger": [
        BASE,
        STAMP,
        "CREATE TRIGGER stamped INSTEAD OF UPDATE ON base FOR EACH ROW EXECUTE FUNCTION stamp();",
    ],
    "a view with a function over its rows": [
        BASE,
        "CREATE FUNCTION older(b base) RETURNS bigint LANGUAGE sql AS 'SELECT b.age + 1';",
    ],
    "a view with a comment on its column": [f"{BASE}\nCOMMENT ON COLUMN base.age IS 'years';"],
    "all of them": [BASE, TOP, KEPT, SIZES, STAMP, AGED, ATOMIC],
}
CHANGED_COLUMNS = (
    {
        f"a column changes its type, under {what}": Case([USERS, *over], [BIG, *over])
        for what, over in OVER_AGE.items()
    }
    | {
        f"a column goes, and with it {what}": Case([USERS, *OVER_AGE[what]], [AGELESS])
        for what in ("a view with a trigger", "a BEGIN ATOMIC function under a view", "all of them")
    }
    | {
        f"a column comes, and with it {what}": Case([AGELESS], [USERS, *OVER_AGE[what]])
        for what in ("a view with a function over its rows", "all of them")
    }
    | {
        "a text gets a length, under a view": Case(
            [USERS, BASE, TOP], [USERS.replace("VARCHAR", "VARCHAR(50)"), BASE, TOP]
        ),
        "a column goes, and views do without": Case(
            [USERS, BASE, TOP],
            [AGELESS, BASE.replace(", age", ""), TOP.replace(", age", "")],
        ),
        "a column goes, and a function does without": Case(
            [USERS, ATOMIC], [AGELESS, ATOMIC.replace("age > 17", "id > 17")]
        ),
        "a column goes, and a trigger does without": Case(
            [USERS, STAMP, AGED], [AGELESS, STAMP, STAMPED]
        ),
        "a column goes, and a materialized view does without": Case(
            [USERS, SIZES], [AGELESS, SIZES.replace("age", "id")]
        ),
        "a column comes, and an old view takes it up": Case(
            [USERS, BASE, TOP], [WITH_BIO, BASE.replace("nick", "nick, bio"), TOP]
        ),
        "a column comes, and an old function takes it up": Case(
            [USERS, ATOMIC], [WITH_BIO, ATOMIC.replace("age > 17", "bio > 'a'")]
        ),
        "a column comes and another goes, under a view with a star": Case(
            [USERS, "CREATE VIEW everyone AS SELECT * FROM users;"],
            [
                AGELESS.replace("nick", "born DATE, nick"),
                "CREATE VIEW everyone AS SELECT * FROM users;",
            ],
        ),
    }
)
FUNCTIONS = {
    "a function with another body": Case([TWICE], [TWICE.replace("2 *", "a +")]),
    "a function with another body, under a view": Case(
        [USERS, TWICE, DOUBLED], [USERS, TWICE.replace("2 *", "a +"), DOUBLED]
    ),
    "a function with an argument more": Case([TWICE], [TIMES]),
    "a function with an argument more, under a view": Case(
        [USERS, TWICE, DOUBLED], [USERS, TIMES, DOUBLED.replace("(1)", "(1, 2)")]
    ),
    "a function with an argument more, under a trigger": Case(
        [USERS, STAMP, TWICE, STAMPED.replace("EXECUTE", "WHEN (twice(NEW.age) > 9) EXECUTE")],
        [USERS, STAMP, TIMES, STAMPED.replace("EXECUTE", "WHEN (twice(NEW.age, 2) > 9) EXECUTE")],
    ),
    "a function with a default for an argument more, under a view": Case(
        [USERS, TWICE, DOUBLED], [USERS, TIMES.replace("b integer", "b integer DEFAULT 2"), DOUBLED]
    ),
    "a function with another result": Case([TWICE], [TWICE.replace("S integer", "S bigint")]),
    "a function with another result, under a view": Case(
        [USERS, TWICE, DOUBLED], [USERS, TWICE.replace("S integer", "S bigint"), DOUBLED]
    ),
    "a function with another result, under a view on a view": Case(
        [USERS, TWICE, DOUBLED, "CREATE VIEW top AS SELECT two FROM doubled;"],
        [
            USERS,
            TWICE.replace("S integer", "S bigint"),
            DOUBLED,
            "CREATE VIEW top AS SELECT two FROM doubled;",
        ],
    ),
    "a function with an argument of another type, under a view": Case(
        [USERS, TWICE, DOUBLED],
        [USERS, TWICE.replace("a integer", "a bigint").replace("2 * a", "2"), DOUBLED],
    ),
    "a function with an argument renamed": Case(
        [TWICE], [TWICE.replace("a integer", "b integer").replace("* a", "* b")]
    ),
    "a function with an argument renamed, under a view": Case(
        [USERS, TWICE, DOUBLED],
        [USERS, TWICE.replace("a integer", "b integer").replace("* a", "* b"), DOUBLED],
    ),
    "a function made SECURITY DEFINER": Case(
        [TWICE],
        [TWICE.replace("IMMUTABLE", "IMMUTABLE SECURITY DEFINER SET search_path TO public")],
    ),
    "a function made volatile": Case([TWICE], [TWICE.replace(" IMMUTABLE", "")]),
    "a function made strict, under a view": Case(
        [USERS, TWICE, DOUBLED], [USERS, TWICE.replace("IMMUTABLE", "IMMUTABLE STRICT"), DOUBLED]
    ),
    "a function in another language": Case(
        [TWICE],
        [TWICE.replace("sql", "plpgsql").replace("SELECT 2 * a", "BEGIN RETURN 2 * a; END")],
    ),
    "a function made BEGIN ATOMIC": Case(
        [USERS, TWICE, DOUBLED],
        [
            USERS,
            "CREATE OR REPLACE FUNCTION twice(a integer) RETURNS integer IMMUTABLE"
            " BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 2 * a END; END;",
            DOUBLED,
        ],
    ),
    "a function gets a namesake": Case(
        [TWICE], [TWICE, TWICE.replace("a integer", "a text").replace("2 * a", "2")]
    ),
    "a function loses its namesake": Case(
        [TWICE, TWICE.replace("a integer", "a text").replace("2 * a", "2")], [TWICE]
    ),
    "a function gives rows of a table that changes": Case(
        [
            USERS,
            "CREATE FUNCTION everyone() RETURNS SETOF users BEGIN ATOMIC SELECT * FROM users; END;",
        ],
        [
            WITH_BIO,
            "CREATE FUNCTION everyone() RETURNS SETOF users BEGIN ATOMIC SELECT * FROM users; END;",
        ],
    ),
    "a function gives a table with a column more": Case(
        ["CREATE FUNCTION pair() RETURNS TABLE (a integer) LANGUAGE sql AS 'SELECT 1';"],
        [
            "CREATE FUNCTION pair() RETURNS TABLE (a integer, b text) LANGUAGE sql AS $$SELECT 1, 'x'$$;"
        ],
    ),
    "a function becomes a procedure": Case(
        [GREET.replace("PROCEDURE", "FUNCTION").replace(" LANGUAGE", " RETURNS void LANGUAGE")],
        [GREET],
    ),
    "functions call one another in BEGIN ATOMIC, and all change": Case(
        [
            "CREATE FUNCTION one() RETURNS integer BEGIN ATOMIC SELECT 1; END;",
            "CREATE FUNCTION two() RETURNS integer BEGIN ATOMIC SELECT 2 * one(); END;",
        ],
        [
            "CREATE FUNCTION one() RETURNS bigint BEGIN ATOMIC SELECT 1::bigint; END;",
            "CREATE FUNCTION two() RETURNS bigint BEGIN ATOMIC SELECT 2 * one(); END;",
        ],
    ),
    "a procedure calls another one": Case(
        [GREET],
        [
            GREET.replace("CREATE", "CREATE OR REPLACE"),
            "CREATE PROCEDURE welcome() LANGUAGE sql AS $$ CALL greet('you') $$;",
        ],
    ),
    "a procedure calls another one, and both get an argument": Case(
        [GREET, "CREATE PROCEDURE welcome() LANGUAGE sql AS $$ CALL greet('you') $$;"],
        [
            GREET.replace("who text", "who text, how text"),
            "CREATE PROCEDURE welcome(how text) LANGUAGE sql AS $$ CALL greet('you', how) $$;",
        ],
    ),
    "a function in two others, which change with it": Case(
        [
            USERS,
            TWICE,
            DOUBLED,
            STAMP,
            STAMPED.replace("EXECUTE", "WHEN (twice(NEW.age) > 9) EXECUTE"),
        ],
        [
            USERS,
            TWICE.replace("S integer", "S bigint"),
            DOUBLED,
            STAMP,
            STAMPED.replace("EXECUTE", "WHEN (twice(NEW.age) > 9) EXECUTE"),
        ],
    ),
}
# A table that needs a function or an extension: before, and with it.
NEEDY = {
    "a function in a default": (
        TWICE,
        USERS.replace("age INTEGER", "age INTEGER DEFAULT twice(9)"),
    ),
    "a function in a CHECK": (
        TWICE,
        USERS.replace(", PRIMARY", ", CONSTRAINT small CHECK (twice(age) < 300), PRIMARY"),
    ),
    "a function in a generated column": (
        TWICE,
        USERS.replace(
            ", PRIMARY", ", double INTEGER GENERATED ALWAYS AS (twice(age)) STORED, PRIMARY"
        ),
    ),
    "a text function in a CHECK of a column": (
        "CREATE FUNCTION fair(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE"
        " AS $$ BEGIN RETURN t <> ''; END $$;",
        USERS.replace("nick VARCHAR", "nick VARCHAR CHECK (fair(nick))"),
    ),
    "an extension's type": ("CREATE EXTENSION citext;", USERS.replace("VARCHAR", "CITEXT")),
    "an extension's function in a default": (
        "CREATE EXTENSION fuzzystrmatch;",
        USERS.replace("nick VARCHAR", "nick VARCHAR DEFAULT soundex('Ada')"),
    ),
}
INDEXED = {
    "a function in an index": (TWICE, "CREATE INDEX ix_twice ON users (twice(age));"),
    "a function in an index's condition": (
        TWICE,
        "CREATE INDEX ix_twice ON users (id) WHERE twice(age) > 17;",
    ),
    "an extension in an index": (TRGM, TRGM_INDEX),
}
IN_ONE_GO = (
    {f"{what} comes": Case([USERS], [need, table]) for what, (need, table) in NEEDY.items()}
    | {f"{what} goes": Case([need, table], [USERS]) for what, (need, table) in NEEDY.items()}
    | {
        f"{what} comes with its table": Case([TEAMS], [TEAMS, *NEEDY[what]])
        for what in ("a function in a default", "a function in a generated column")
    }
    | {
        f"{what} comes": Case([USERS], [USERS, need, index], 2)
        for what, (need, index) in INDEXED.items()
    }
    | {
        f"{what} goes": Case([USERS, need, index], [USERS], 2)
        for what, (need, index) in INDEXED.items()
    }
    | {
        f"{what} comes with its table": Case([TEAMS], [TEAMS, USERS, need, index])
        for what, (need, index) in INDEXED.items()
    }
    | {
        f"{what} has another body": Case([TWICE, table], [TWICE.replace("2 *", "a +"), table])
        for what, (need, table) in NEEDY.items()
        if need == TWICE
    }
    | {
        f"{what} changes its result": Case(
            [*NEEDY[what]], [TWICE.replace("S integer", "S bigint"), NEEDY[what][1]]
        )
        for what, (need, _) in NEEDY.items()
        if need == TWICE
    }
)


TRIGGERS = {
    "a trigger with another condition": Case(
        [USERS, STAMP, WHEN_AGED], [USERS, STAMP, WHEN_AGED.replace("age", "nick")]
    ),
    "a trigger at another time": Case(
        [USERS, STAMP, STAMPED], [USERS, STAMP, STAMPED.replace("BEFORE", "AFTER")]
    ),
    "a trigger on other events": Case(
        [USERS, STAMP, STAMPED], [USERS, STAMP, STAMPED.replace("UPDATE", "INSERT OR UPDATE")]
    ),
    "a trigger with another function": Case(
        [USERS, STAMP, STAMPED],
        [USERS, STAMP.replace("stamp", "mark"), STAMPED.replace("stamp()", "mark()")],
    ),
    "a trigger with an argument": Case(
        [USERS, STAMP, STAMPED], [USERS, STAMP, STAMPED.replace("stamp()", "stamp('it''s')")]
    ),
    "a trigger of statements with what they changed": Case(
        [USERS, STAMP, STAMPED],
        [
            USERS,
            STAMP,
            "CREATE TRIGGER stamped AFTER UPDATE ON users REFERENCING NEW TABLE AS fresh"
            " FOR EACH STATEMENT EXECUTE FUNCTION stamp();",
        ],
    ),
    "a trigger is disabled": Case(
        [USERS, STAMP, STAMPED],
        [USERS, STAMP, f"{STAMPED}\nALTER TABLE users DISABLE TRIGGER stamped;"],
    ),
    "a trigger is enabled again": Case(
        [USERS, STAMP, f"{STAMPED}\nALTER TABLE users DISABLE TRIGGER stamped;"],
        [USERS, STAMP, STAMPED],
    ),
    "a trigger is enabled always": Case(
        [USERS, STAMP, STAMPED],
        [USERS, STAMP, f"{STAMPED}\nALTER TABLE users ENABLE ALWAYS TRIGGER stamped;"],
    ),
    "a disabled trigger on a column that changes its type": Case(
        [USERS, STAMP, f"{AGED}\nALTER TABLE users DISABLE TRIGGER stamped;"],
        [BIG, STAMP, f"{AGED}\nALTER TABLE users DISABLE TRIGGER stamped;"],
    ),
    "a constraint trigger is made deferrable": Case(
        [USERS, STAMP, LATE], [USERS, STAMP, LATE.replace(" FOR", " DEFERRABLE FOR")]
    ),
    "a trigger becomes a constraint trigger": Case(
        [USERS, STAMP, STAMPED.replace("stamped", "late")], [USERS, STAMP, LATE]
    ),
    "a trigger moves to another table": Case(
        [USERS, TEAMS, STAMP, STAMPED], [USERS, TEAMS, STAMP, STAMPED.replace("users", "teams")]
    ),
    "a trigger's function changes its body": Case(
        [USERS, STAMP, STAMPED], [USERS, STAMP.replace("now()", "clock_timestamp()"), STAMPED]
    ),
    "a trigger on a view that loses a column": Case(
        [USERS, BASE, STAMP, STAMPED.replace("BEFORE", "INSTEAD OF").replace("users", "base")],
        [
            USERS,
            BASE.replace("nick, ", ""),
            STAMP,
            STAMPED.replace("BEFORE", "INSTEAD OF").replace("users", "base"),
        ],
    ),
}
IN_MOOD = "CREATE VIEW good AS SELECT id FROM days WHERE mood = '{}';"
CAST = "CREATE VIEW good AS SELECT 'ok'::mood AS mood;"
ENUMS = {
    "an enum's new value, in a new view": Case(
        [MOOD, DAYS], [FINE, DAYS, IN_MOOD.format("fine")], 2
    ),
    "an enum's new value, in an old view": Case(
        [MOOD, DAYS, IN_MOOD.format("ok")], [FINE, DAYS, IN_MOOD.format("fine")], 2
    ),
    "an enum's new value, in a BEGIN ATOMIC function": Case(
        [MOOD, DAYS],
        [FINE, DAYS, "CREATE FUNCTION best() RETURNS mood BEGIN ATOMIC SELECT 'fine'::mood; END;"],
        2,
    ),
    "an enum's new value, in a function": Case(
        [MOOD, DAYS],
        [
            FINE,
            DAYS,
            "CREATE FUNCTION best() RETURNS mood LANGUAGE sql AS $$SELECT 'fine'::mood$$;",
        ],
        2,
    ),
    "an enum's new value, in a materialized view": Case(
        [MOOD, DAYS],
        [FINE, DAYS, IN_MOOD.format("fine").replace("VIEW", "MATERIALIZED VIEW")],
        2,
    ),
    "an enum loses a value, under a view that casts to it": Case(
        [MOOD, DAYS, CAST], [MOOD.replace("'sad', ", ""), DAYS, CAST]
    ),
    "an enum loses a value, under a view of its column": Case(
        [MOOD, DAYS, IN_MOOD.format("ok")],
        [MOOD.replace("'sad', ", ""), DAYS, IN_MOOD.format("ok")],
    ),
    "an enum loses a value, under a function of it": Case(
        [MOOD, DAYS, "CREATE FUNCTION loud(m mood) RETURNS mood LANGUAGE sql AS 'SELECT m';"],
        [
            MOOD.replace("'sad', ", ""),
            DAYS,
            "CREATE FUNCTION loud(m mood) RETURNS mood LANGUAGE sql AS 'SELECT m';",
        ],
    ),
    "an enum loses a value, under a materialized view and a trigger": Case(
        [
            MOOD,
            DAYS,
            IN_MOOD.format("ok").replace("VIEW", "MATERIALIZED VIEW"),
            STAMP,
            STAMPED.replace("users", "days").replace("EXECUTE", "WHEN (NEW.mood = 'ok') EXECUTE"),
        ],
        [
            MOOD.replace("'sad', ", ""),
            DAYS,
            IN_MOOD.format("ok").replace("VIEW", "MATERIALIZED VIEW"),
            STAMP,
            STAMPED.replace("users", "days").replace("EXECUTE", "WHEN (NEW.mood = 'ok') EXECUTE"),
        ],
    ),
    "an enum goes with its view": Case([TEAMS, MOOD, DAYS, CAST], [TEAMS]),
    "an enum comes with its function": Case(
        [TEAMS],
        [
            TEAMS,
            "CREATE TYPE tone AS ENUM ('low', 'high');",  # like no other, or it may be renamed
            "CREATE FUNCTION loud(m tone) RETURNS tone LANGUAGE sql AS 'SELECT m';",
            DAYS.replace("mood mood", "mood tone DEFAULT loud('high')"),
        ],
    ),
}
SIMILAR = (
    "CREATE FUNCTION like_it(a text) RETURNS real LANGUAGE sql AS $$SELECT similarity(a, 'x')$$;"
)
EXTENSIONS = {
    "an extension, and a function of it": Case([USERS], [USERS, TRGM, SIMILAR]),
    "an extension goes with its function": Case([USERS, TRGM, SIMILAR], [USERS]),
    "an extension, and a BEGIN ATOMIC function under a view": Case(
        [USERS],
        [
            USERS,
            TRGM,
            "CREATE FUNCTION like_it(a text) RETURNS real"
            " BEGIN ATOMIC SELECT similarity(a, 'x'); END;",
            "CREATE VIEW liked AS SELECT like_it(nick) FROM users;",
        ],
    ),
    "an extension, and an index of a materialized view": Case(
        [USERS],
        [
            USERS,
            TRGM,
            "CREATE MATERIALIZED VIEW nicks AS SELECT nick FROM users;"
            "\nCREATE INDEX nicks_nick ON nicks USING gin (nick gin_trgm_ops);",
        ],
    ),
    "another extension beside": Case([USERS, TRGM], [USERS, TRGM, "CREATE EXTENSION unaccent"]),
}
VIEWS = {
    "a materialized view gets an index": Case(
        [USERS, SIZES], [USERS, f"{SIZES}\nCREATE INDEX sizes_n ON sizes (n);"]
    ),
    "a materialized view loses its index": Case([USERS, SIZES], [USERS, SIZES.partition("\n")[0]]),
    "a materialized view's index changes": Case(
        [USERS, SIZES], [USERS, SIZES.replace("(age);", "(age DESC, n);")]
    ),
    "a materialized view changes and keeps its index": Case(
        [USERS, SIZES], [USERS, SIZES.replace("GROUP", "WHERE age > 17 GROUP")]
    ),
    "a materialized view loses a column with its index": Case(
        [USERS, f"{SIZES}\nCREATE INDEX sizes_n ON sizes (n);"],
        [USERS, SIZES.replace(", count(*) AS n", "")],
    ),
    "a materialized view loses a column, under a view": Case(
        [USERS, SIZES, "CREATE VIEW big AS SELECT age FROM sizes;"],
        [
            USERS,
            SIZES.replace(", count(*) AS n", ""),
            "CREATE VIEW big AS SELECT age FROM sizes;",
        ],
    ),
    "a view is materialized": Case(
        [USERS, BASE], [USERS, BASE.replace("VIEW", "MATERIALIZED VIEW")]
    ),
    "a materialized view is a plain one again": Case(
        [USERS, f"{BASE.replace('VIEW', 'MATERIALIZED VIEW')}\nCREATE INDEX base_id ON base (id);"],
        [USERS, BASE],
    ),
    "a view is materialized, under a view": Case(
        [USERS, BASE, TOP], [USERS, BASE.replace("VIEW", "MATERIALIZED VIEW"), TOP]
    ),
    "a view with the rights of who reads": Case(
        [USERS, BASE, TOP],
        [USERS, BASE.replace(" AS", " WITH (security_invoker = true) AS", 1), TOP],
    ),
    "a view with the rights of its owner again": Case(
        [USERS, BASE.replace(" AS", " WITH (security_invoker = true) AS", 1)], [USERS, BASE]
    ),
    "a view with a check option": Case(
        [USERS, BASE.replace(";", " WHERE age > 17;")],
        [USERS, BASE.replace(";", " WHERE age > 17 WITH LOCAL CHECK OPTION;")],
    ),
    "a view without its check option": Case(
        [USERS, BASE.replace(";", " WHERE age > 17 WITH CASCADED CHECK OPTION;")],
        [USERS, BASE.replace(";", " WHERE age > 17;")],
    ),
    "a recursive view": Case(
        [USERS],
        [
            USERS,
            "CREATE RECURSIVE VIEW numbers (n) AS"
            " VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 9;",
        ],
    ),
    "a recursive view changes": Case(
        [
            "CREATE RECURSIVE VIEW numbers (n) AS"
            " VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 9;",
        ],
        [
            "CREATE OR REPLACE RECURSIVE VIEW numbers (n, m) AS"
            " VALUES (1, 'x') UNION ALL SELECT n + 1, m FROM numbers WHERE n < 99;",
        ],
    ),
    "a chain of views is turned upside down": Case(
        [USERS, "CREATE VIEW a AS SELECT id FROM users;", "CREATE VIEW b AS SELECT id FROM a;"],
        [USERS, "CREATE VIEW b AS SELECT id FROM users;", "CREATE VIEW a AS SELECT id FROM b;"],
    ),
    "a view that a function reads, which a view calls": Case(
        [
            USERS,
            BASE,
            "CREATE FUNCTION first() RETURNS integer BEGIN ATOMIC SELECT min(id) FROM base; END;",
            "CREATE VIEW firsts AS SELECT first() AS id;",
        ],
        [
            USERS,
            BASE.replace("nick, ", ""),
            "CREATE FUNCTION first() RETURNS integer BEGIN ATOMIC SELECT min(id) FROM base; END;",
            "CREATE VIEW firsts AS SELECT first() AS id;",
        ],
    ),
    "a table goes with its trigger and its view": Case(
        [TEAMS, USERS, STAMP, STAMPED, BASE, TOP, KEPT, SIZES, ATOMIC], [TEAMS]
    ),
    "a table goes, and its view reads another": Case(
        [TEAMS, USERS, "CREATE VIEW named AS SELECT id, nick AS name FROM users;"],
        [TEAMS, "CREATE VIEW named AS SELECT id, name FROM teams;"],
    ),
    "a table becomes a view of the same name": Case(
        [TEAMS, USERS], [TEAMS, "CREATE VIEW users AS SELECT id, name AS nick FROM teams;"]
    ),
}
COMMENTED = {
    "function": (TWICE, "FUNCTION twice(integer)"),
    "view": (f"{USERS}|{BASE}", "VIEW base"),
    "column of a view": (f"{USERS}|{BASE}", "COLUMN base.age"),
    "trigger": (f"{USERS}|{STAMP}|{STAMPED}", "TRIGGER stamped ON users"),
    "procedure": (GREET, "PROCEDURE greet(text)"),
    "materialized view": (f"{USERS}|{SIZES}", "MATERIALIZED VIEW sizes"),
}
COMMENTS = {
    f"a comment on a {what} {how}": Case(
        [*said.split("|")[:-1], *(f"{last}{old and comment.format(old)}",)],
        [*said.split("|")[:-1], *(f"{last}{new and comment.format(new)}",)],
    )
    for what, (said, on) in COMMENTED.items()
    for last in [said.split("|")[-1]]
    for comment in [f"\nCOMMENT ON {on} IS '{{}}';"]
    for how, old, new in (
        ("comes", "", "it''s; so"),
        ("changes", "one", "other"),
        ("goes", "one", ""),
    )
    if how == "changes" or what in ("function", "view", "column of a view")
}
PEOPLE = USERS.replace("users", "people")
NICKNAME = USERS.replace("nick", "nickname")
RENAMES = {
    "a table is renamed, under a view and a trigger": Case(
        [USERS, STAMP, STAMPED, BASE, TOP],
        [PEOPLE, STAMP, STAMPED.replace("users", "people"), BASE.replace("users", "people"), TOP],
        rename="users:people",
    ),
    "a table is renamed, under a materialized view and a function": Case(
        [USERS, SIZES, ATOMIC],
        [PEOPLE, SIZES.replace("users", "people"), ATOMIC.replace("users", "people")],
        rename="users:people",
    ),
    "a column is renamed, and the view shows it by its old name": Case(
        [USERS, BASE, TOP],
        [NICKNAME, BASE.replace("nick", "nickname AS nick"), TOP],
        rename="nick:nickname",
    ),
    "a column is renamed, and the view shows it by its new name": Case(
        [USERS, BASE, TOP],
        [NICKNAME, BASE.replace("nick", "nickname"), TOP],
        rename="nick:nickname",
    ),
    "a column is renamed, under a trigger and a function": Case(
        [USERS, STAMP, AGED, WHEN_AGED.replace("stamped", "also"), ATOMIC],
        [
            each.replace("age", "years")
            for each in (USERS, STAMP, AGED, WHEN_AGED.replace("stamped", "also"), ATOMIC)
        ],
        rename="age:years",
    ),
    "a column is renamed and gets a length, under a view": Case(
        [USERS, BASE, TOP],
        [NICKNAME.replace("VARCHAR", "VARCHAR(50)"), BASE.replace("nick", "nickname"), TOP],
        rename="nick:nickname",
    ),
}
ODD = (
    "CREATE FUNCTION odd(a text) RETURNS text LANGUAGE plpgsql AS $body$\n"
    "DECLARE\n  said text := '100% \"sure\"; it''s';\nBEGIN\n\n\n\n"
    "  -- don't; $$ stop\n  RETURN format('%s %I', said, $q$a;b'$q$);\nEND\n$body$;"
)
ODD_VIEW = (
    "CREATE VIEW odd AS SELECT 'a;b''c'::text AS \"x;y\", nick LIKE '50%%'   AS half,"
    "\n\n\n  '$$'::text AS dollars FROM users;"
)
ODD_ATOMIC = (
    "CREATE FUNCTION odder() RETURNS text\nBEGIN ATOMIC\n\n\n\n"
    "  SELECT 'END; ' || CASE WHEN true THEN $$;%'$$ END;\n  SELECT '-- end of statement';\nEND;"
)
MIXED = [
    'CREATE TABLE "Mixed Case" ("Id" INTEGER NOT NULL, "A b" INTEGER, PRIMARY KEY ("Id"));',
    'CREATE FUNCTION "Do It"() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;',
    'CREATE FUNCTION "To""Be"("A" integer) RETURNS integer LANGUAGE sql AS \'SELECT "A"\';',
    'CREATE TRIGGER "On Change" BEFORE UPDATE OF "A b" ON "Mixed Case"'
    ' FOR EACH ROW EXECUTE FUNCTION "Do It"();',
    'CREATE VIEW "A View" AS SELECT "Id", "To""Be"("A b") AS "So What" FROM "Mixed Case";',
    'CREATE MATERIALIZED VIEW "M View" AS SELECT "So What" FROM "A View";\n'
    'CREATE INDEX "M Index" ON "M View" ("So What");',
]
SPELLINGS = {
    "odd letters come": Case([USERS], [USERS, ODD, ODD_VIEW, ODD_ATOMIC]),
    "odd letters change": Case(
        [USERS, ODD, ODD_VIEW, ODD_ATOMIC],
        [each.replace("a;b", "b;a\n\n") for each in (USERS, ODD, ODD_VIEW, ODD_ATOMIC)],
    ),
    "odd letters, and the type of a column": Case(
        [USERS, ODD, ODD_VIEW, ODD_ATOMIC],
        [USERS.replace("VARCHAR", "TEXT"), ODD, ODD_VIEW, ODD_ATOMIC],
    ),
    "names in quotes come": Case([USERS], [USERS, *MIXED]),
    "names in quotes go": Case([USERS, *MIXED], [USERS]),
    "names in quotes, and the type of a column": Case(
        MIXED,
        [
            MIXED[0].replace('"A b" INTEGER', '"A b" SMALLINT'),
            *MIXED[1:],
        ],
    ),
    "names in quotes, and the result of a function": Case(
        MIXED, [each.replace("RETURNS integer", "RETURNS bigint") for each in MIXED]
    ),
}
ALL = (
    CHANGED_VIEWS
    | CHANGED_COLUMNS
    | FUNCTIONS
    | IN_ONE_GO
    | TRIGGERS
    | ENUMS
    | EXTENSIONS
    | VIEWS
    | COMMENTS
    | RENAMES
    | SPELLINGS
)
CASES = ALL
TOGETHER = 12  # of the plain ones


def is_plain(case: Case) -> bool:
    """Whether it can be told beside others, by names that can be changed."""
    text = "".join([*case.before, *case.after])
    return not case.migrations and not case.rename and '"' not in text and "EXTENSION" not in text


def apart(case: Case, number: int) -> Case:
    """The case with names of its own for all that it creates."""
    rename = renaming([*case.before, *case.after], number)
    return case._replace(
        before=[rename(each) for each in case.before], after=[rename(each) for each in case.after]
    )


def groups() -> list[list[str]]:
    plain = [name for name, case in CASES.items() if is_plain(case)]
    starts = range(0, len(plain), TOGETHER)
    alone = [[name] for name in CASES if name not in plain]
    return [plain[start : start + TOGETHER] for start in starts] + alone


def told_together(names: list[str]) -> Case:
    if len(names) == 1:
        return CASES[names[0]]
    cases = [apart(CASES[name], number) for number, name in enumerate(names)]
    # The statements of all of them, in the order of each.
    return Case(
        [each for case in cases for each in case.before],
        [each for case in cases for each in case.after],
    )


@pytest.mark.parametrize("names", groups(), ids="; ".join)
def test_there_and_back(project: Project, live: str, names: list[str]) -> None:
    case = told_together(names)
    by_hand(project, *case.before)
    before = read_schema(live)
    declare(project, *case.after)
    written(project, **({"rename": case.rename} if case.rename else {}))
    count = len(project.names()) - 1
    ran = project.run("apply", env="live", yes=True)
    assert ran.code == 0, ran.said
    assert same(live, case.after)
    written(project)
    assert len(project.names()) - 1 == count == (case.migrations or count)
    roll_back(project)
    assert diff(before, read_schema(live)) == []


class Refused(NamedTuple):
    """Models and files before and after, the exit code, and what has to be said."""

    before: list[str]
    after: list[str]
    code: int
    words: list[str]
    by_hand: str = ""


REFUSED = {
    "a view uses a column that goes": Refused(
        [USERS, BASE], [AGELESS, BASE], 1, ["views/98.sql", 'column "age" does not exist']
    ),
    "a view uses a view that goes": Refused(
        [USERS, BASE, TOP], [USERS, TOP], 1, ["views/98.sql", 'relation "base" does not exist']
    ),
    "a trigger uses a function that goes": Refused(
        [USERS, STAMP, STAMPED], [USERS, STAMPED], 1, ["triggers/98.sql", "stamp() does not exist"]
    ),
    "a trigger is on a table that goes": Refused(
        [TEAMS, USERS, STAMP, STAMPED], [TEAMS, STAMP, STAMPED], 1, ["triggers/97.sql", '"users"']
    ),
    "a function reads a column that goes": Refused(
        [USERS, ATOMIC], [AGELESS, ATOMIC], 1, ["functions/98.sql", 'column "age"']
    ),
    "a quoted body reads a column that goes": Refused(
        [USERS],
        [
            AGELESS,
            "CREATE FUNCTION sum() RETURNS bigint LANGUAGE sql AS 'SELECT sum(age) FROM users';",
        ],
        1,
        ["sql/functions/", 'column "age" does not exist'],
    ),
    "a default needs a function that goes": Refused(
        [TWICE, NEEDY["a function in a default"][1]],
        [NEEDY["a function in a default"][1]],
        1,
        ["CREATE TABLE users", "twice(integer) does not exist"],
    ),
    "an index needs an extension that goes": Refused(
        [USERS, TRGM, TRGM_INDEX], [USERS, TRGM_INDEX], 1, ["gin_trgm_ops", "CREATE INDEX"]
    ),
    "an aggregate of migrations needs a function that goes": Refused(
        [USERS, TIMES],
        [USERS],
        1,
        ["CREATE AGGREGATE public.product", "twice"],
        "CREATE AGGREGATE product(integer) (SFUNC = twice, STYPE = integer);",
    ),
    "a rule of migrations is on a view that goes": Refused(
        [USERS, BASE],
        [USERS],
        1,
        ["CREATE RULE quiet", "base"],
        "CREATE RULE quiet AS ON DELETE TO base DO INSTEAD NOTHING;",
    ),
    "a renamed column is not explained": Refused(
        [USERS, BASE],
        [NICKNAME, BASE.replace("nick", "nickname")],
        3,
        ["rename=users.nick:nickname"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(project: Project, name: str) -> None:
    case = REFUSED[name]
    by_hand(project, *case.before, *filter(None, [case.by_hand]))
    declare(project, *case.after)
    said = refused(project, case.code)
    assert "No file was written" in said
    for each in case.words:
        assert each in said


# --- files that say something wrong ---


ERRORS = {
    "the very same as another file": (
        {"functions/one": TWICE, "functions/two": TWICE},
        ["sql/functions/two.sql creates the same object as", "sql/functions/one.sql"],
    ),
    "nothing": ({"views/bad": ""}, ["sql/views/bad.sql is empty"]),
    "only a comment": ({"views/bad": "-- soon\n"}, ["sql/views/bad.sql is empty"]),
    "two objects": (
        {"views/bad": f"{BASE}\n{TOP}"},
        ["sql/views/bad.sql creates 2 objects: put each into a file of its own"],
    ),
    "two objects of two kinds": (
        {"functions/bad": f"{STAMP}\n{STAMPED}"},
        ["sql/functions/bad.sql", "triggers/"],
    ),
    "another folder's kind": (
        {"views/bad": TWICE},
        ["sql/views/bad.sql creates a function: move it to", "sql/functions/"],
    ),
    "a folder of no kind": (
        {"more/bad": BASE},
        ["sql/more/bad.sql creates a view: move it to", "sql/views/"],
    ),
    "a folder in a folder": ({"views/old/bad": BASE}, ["sql/views/old/bad.sql", "sql/views/"]),
    "no folder": ({"bad": BASE}, ["sql/bad.sql creates a view", "sql/views/"]),
    "an error of syntax": (
        {"views/bad": "CREATE VIEW bad AS SELEKT 1;"},
        ["sql/views/bad.sql: syntax error"],
    ),
    "an end that is missing": (
        {"functions/bad": "CREATE FUNCTION bad() RETURNS int LANGUAGE sql AS $$ SELECT 1;"},
        ["sql/functions/bad.sql: unterminated"],
    ),
    "a table that is not there": (
        {"views/bad": "CREATE VIEW bad AS SELECT * FROM ghosts;"},
        ['sql/views/bad.sql: relation "ghosts" does not exist'],
    ),
    "a function that is not there": (
        {"triggers/bad": STAMPED},
        ["sql/triggers/bad.sql: function stamp() does not exist"],
    ),
    "an extension that is not there": (
        {"extensions/bad": "CREATE EXTENSION ghost;"},
        ['sql/extensions/bad.sql: extension "ghost" is not available'],
    ),
    "two views that need one another": (
        {"views/a": "CREATE VIEW a AS SELECT * FROM b;", "views/b": "CREATE VIEW b AS TABLE a;"},
        ["sql/views/a.sql", "sql/views/b.sql"],
    ),
    "plpgsql that is none": (
        {"functions/bad": STAMP.replace("RETURN NEW", "RETURNING")},
        ["sql/functions/bad.sql: ", "syntax error"],
    ),
    "a body with an unknown column": (
        {"functions/bad": TWICE.replace("2 * a", "ghost FROM users")},
        ["sql/functions/bad.sql: ", 'column "ghost" does not exist'],
    ),
    "a BEGIN ATOMIC body with an unknown column": (
        {"functions/bad": ATOMIC.replace("age", "ghost")},
        ['sql/functions/bad.sql: column "ghost" does not exist'],
    ),
    "an index that is none": (
        {"views/bad": SIZES.replace("(age);", "(ghost);")},
        ["sql/views/bad.sql", '"ghost" does not exist'],
    ),
    "a comment on another object": (
        {"views/bad": f"{BASE}\nCOMMENT ON VIEW ghost IS 'x';"},
        ["sql/views/bad.sql", '"ghost" does not exist'],
    ),
    "the same as another file": (
        {
            "functions/one": TWICE,
            "functions/two": TWICE.replace("CREATE", "CREATE OR REPLACE").replace("2 *", "3 *"),
        },
        ["sql/functions/", 'function "twice" already exists'],
    ),
    "the same extension as another file": (
        {"extensions/one": TRGM, "extensions/two": TRGM.replace(";", " CASCADE;")},
        ["sql/extensions/", 'extension "pg_trgm" already exists'],
    ),
    "the same as a table": (
        {"views/users": "CREATE VIEW users AS SELECT 1 AS id;"},
        ["sql/views/users.sql", '"users"'],
    ),
}


@pytest.mark.parametrize("said", ERRORS)
def test_a_file_that_says_something_wrong_is_named_and_nothing_is_written(
    project: Project, said: str
) -> None:
    files, words = ERRORS[said]
    models(project, USERS)
    for name, text in files.items():
        put(project, name, text)
    message = refused(project, 1)
    assert "No file was written" in message
    assert "Traceback" not in message
    for each in words:
        assert each in message
    assert project.run("check").code == 1


def test_a_file_that_is_not_utf_8_is_named(project: Project) -> None:
    put(project, "views/bad", "")
    (place(project) / "views/bad.sql").write_bytes(BASE.encode() + b" -- caf\xe9")
    message = refused(project, 1)
    assert "sql/views/bad.sql cannot be read" in message
    assert "No file was written" in message


REFUSED_STATEMENTS = (
    "CREATE RULE quiet AS ON DELETE TO base DO INSTEAD NOTHING;",
    "GRANT SELECT ON base TO PUBLIC;",
    "INSERT INTO users (id) VALUES (1);",
    "CREATE TABLE more (id integer);",
    "ALTER VIEW base OWNER TO CURRENT_USER;",
    "COMMENT ON TABLE users IS 'x';",
    "DROP TABLE users;",
)


@pytest.mark.parametrize("command", ["create", "check", "declare", "drift"])
def test_what_files_cannot_declare_is_refused_with_its_file_and_its_place(
    project: Project, command: str
) -> None:
    models(project, USERS)
    put(project, "views/base", "\n".join([BASE, *REFUSED_STATEMENTS]))
    rule = "-- alone\nCREATE RULE quiet AS ON UPDATE TO base DO INSTEAD NOTHING;"
    put(project, "views/rule", rule)
    put(project, "views/again", rule)
    options = {"create": {"message": "change"}, "drift": {"env": "live", "against": "models"}}
    ran = project.run(command, **options.get(command, {}))
    assert ran.code == 3
    for each in REFUSED_STATEMENTS:
        assert f"  src/infrastructure/persistence/sql/views/base.sql: {each}" in ran.err
    for name in ("rule", "again"):
        assert f"sql/views/{name}.sql: CREATE RULE quiet" in ran.err
    assert "No file was written. Move each statement into a migration of its own" in ran.err
    assert project.names() == []


# --- what no file declares ---


OTHERS = (
    "CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);",
    "CREATE RULE quiet AS ON DELETE TO users DO INSTEAD NOTHING;",
    "CREATE SEQUENCE tickets;",
    "CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);",
    "CREATE TABLE events_2026 PARTITION OF events"
    " FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
    "CREATE STATISTICS together ON nick, age FROM users;",
    "CREATE SCHEMA audit;",
    "CREATE TYPE audit.pair AS (a integer, b integer);",
    'CREATE COLLATION plain FROM "C";',
    "CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq);",
    "CREATE CAST (text AS integer) WITH INOUT;",
    "GRANT SELECT ON users TO PUBLIC;",
)
EVENTS = "CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);"


def test_what_only_a_migration_makes_is_dropped_with_a_note_and_comes_back(
    project: Project, live: str
) -> None:
    made = [TRGM, STAMP, TWICE, GREET, STAMPED, BASE, SIZES, SHORT]
    by_hand(project, USERS, *made, *MINE.splitlines())
    before = read_schema(live)
    declare(project, USERS)
    said = written(project)
    for label in (
        "EXTENSION pg_trgm",
        "FUNCTION public.stamp()",
        "FUNCTION public.twice(integer)",
        "PROCEDURE public.greet(text)",
        "TRIGGER public.users stamped",
        "VIEW public.base",
        "MATERIALIZED VIEW public.sizes",
        "POLICY public.users mine",
        "ROW SECURITY public.users",
        "DOMAIN public.short",
    ):
        assert f"note: drops {label}, which no file in src/infrastructure/persistence/sql" in said
    migrated(project)
    assert same(live, [USERS])
    assert "note:" not in written(project)
    back(project, 1)
    assert diff(before, read_schema(live)) == []


def test_what_is_declared_later_is_not_dropped(project: Project, live: str) -> None:
    made = [TRGM, STAMP, TWICE, GREET, STAMPED, BASE, SIZES]
    by_hand(project, USERS, *made)
    declare(project, USERS, *made)
    assert created(project) == []


def test_kinds_without_a_folder_stay_as_migrations_make_them(project: Project, live: str) -> None:
    by_hand(project, USERS, *OTHERS)
    declare(project, USERS, EVENTS)
    assert created(project) == []
    declare(project, BIG, EVENTS, STAMP, TWICE)
    before = read_schema(live)
    assert applied(project) == 1
    after = read_schema(live)
    assert {*after} - {*before} == {"FUNCTION public.stamp()", "FUNCTION public.twice(integer)"}
    assert {*before} <= {*after}
    back(project, 1)
    assert diff(before, read_schema(live)) == []


def test_privileges_on_a_view_outlast_its_recreation_and_end_with_it(
    project: Project, live: str
) -> None:
    by_hand(
        project,
        *(USERS, BASE, TOP, TWICE),
        "GRANT SELECT ON top, base TO PUBLIC;",
        "GRANT SELECT (age) ON users TO PUBLIC;",
        "REVOKE EXECUTE ON FUNCTION twice FROM PUBLIC;",
    )
    before = read_schema(live)
    declare(project, BIG, BASE, TOP, TWICE.replace("S integer", "S bigint"))
    assert applied(project) == 1
    assert {*read_schema(live)} == {*before}
    assert read_schema(live)["ACL TABLE public.base"] == before["ACL TABLE public.base"]
    back(project, 1)
    assert diff(before, read_schema(live)) == []
    migrated(project)
    declare(project, BIG)
    assert applied(project) == 1
    assert [label for label in read_schema(live) if label.startswith("ACL")] == [
        "ACL COLUMN public.users.age"
    ]
    assert created(project) == []
    back(project, 2)
    assert diff(before, read_schema(live)) == []


# --- what the migrations do ---


def test_a_materialized_view_is_full_whenever_it_was_made(project: Project, live: str) -> None:
    counts = "SELECT age, n FROM sizes"
    by_hand(project, USERS, "INSERT INTO users (id, age) VALUES (1, 36);")
    declare(project, USERS, SIZES)
    applied(project)
    assert execute(live, counts) == [(36, 1)]
    execute(live, "INSERT INTO users (id, age) VALUES (2, 36)")
    declare(project, BIG, SIZES)
    applied(project)
    assert execute(live, counts) == [(36, 2)]
    execute(live, "INSERT INTO users (id, age) VALUES (3, 36)")
    back(project, 1)
    assert execute(live, counts) == [(36, 3)]
    execute(live, "REFRESH MATERIALIZED VIEW CONCURRENTLY sizes")


@pytest.mark.parametrize("blank", ["", "\n\n\n"], ids=["plain", "blank lines"])
def test_bodies_in_begin_atomic_are_kept_together_by_a_delimiter(
    project: Project, live: str, blank: str
) -> None:
    declare(project, USERS, STAMP.replace("BEGIN", f"BEGIN{blank}"), ATOMIC, ODD_ATOMIC, BASE)
    [text] = created(project)
    assert text.startswith("-- atlas:delimiter ")
    migrated(project)
    assert execute(live, "SELECT odder()") == [("-- end of statement",)]
    back(project, 1)
    assert {*read_schema(live)} == set()
