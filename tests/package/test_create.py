"""The next migration, from what the models say: written whole and proven, or not at all."""

import io
import re
import sys
from typing import Any

import psutil
import pytest

from modelmigrate.atlas.directory import read_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.create import create_migrations
from modelmigrate.migrations.prove import Lint
from modelmigrate.planning.confirm import confirm_renames
from modelmigrate.planning.renames import Rename
from modelmigrate.schema.diff import diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.sql.statements import split_statements, strip_comments
from tests.package.harness import LOADER, MATCHES, Project, Ran, execute

OUTSIDE = "-- atlas:txmode none\n\n"
USERS = "CREATE TABLE users (\n\tid INTEGER NOT NULL,\n\tnick VARCHAR,\n\tage INTEGER,\n\tPRIMARY KEY (id)\n);"
NICKNAME = USERS.replace("nick", "nickname")
PEOPLE = USERS.replace("users", "people")
INDEX = "CREATE INDEX ix_users_nick ON users (nick);"
TEAMS = "CREATE TABLE teams (id INTEGER NOT NULL, name VARCHAR, PRIMARY KEY (id));"
TEAMS_INDEX = "CREATE UNIQUE INDEX ix_teams_name ON teams (name);"
EVENTS = "CREATE TABLE events (id INTEGER NOT NULL, at DATE NOT NULL) PARTITION BY RANGE (at);"
EVENTS_INDEX = "CREATE INDEX ix_events_at ON events (at);"
MOOD = "CREATE TYPE mood AS ENUM ('sad', 'ok');"
FEELING = "CREATE TABLE days (id INTEGER NOT NULL, mood mood, PRIMARY KEY (id));"


def models(project: Project, *statements: str) -> None:
    (project.folder / "schema.sql").write_text("\n\n".join(statements), encoding="utf-8")


def started(project: Project, *statements: str) -> None:
    """The models were these, and their migration is applied to `live`."""
    models(project, *statements)
    assert created(project, message="initial")
    migrated(project)


def created(project: Project, **options: str) -> list[str]:
    """Create; the texts of the new migrations, which are in order."""
    before = project.names()
    ran = project.run("create", **({"message": "change"} | options))
    assert ran.code == 0, ran.said
    assert project.run("check").code == 0
    new = [name for name in project.names() if name not in before]
    assert project.names() == before + new
    texts = [(project.migrations / name).read_text(encoding="utf-8") for name in new]
    return [
        re.sub(r"\A-- gate:.*\n\n|^-- (?!atlas:).*\n", "", text, flags=re.MULTILINE)
        for text in texts
    ]


def migrated(project: Project) -> None:
    ran = project.run("apply", env="live", yes=True)
    assert ran.code == 0, ran.said
    assert MATCHES in ran.out


def back(project: Project, count: int, *lost: str) -> None:
    ran = project.run("down", env="live", steps=str(count), yes=True, allow_loss=",".join(lost))
    assert ran.code == 0, ran.said


def content(project: Project) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in project.migrations.rglob("*.*")}


def refused(project: Project, code: int, **options: str) -> str:
    """What is said where nothing is written."""
    before = content(project)
    ran = project.run("create", **({"message": "change"} | options))
    assert ran.code == code, ran.said
    assert content(project) == before
    return ran.err


def test_with_nothing_to_do_no_file_is_written(project: Project) -> None:
    started(project, USERS)
    before = content(project)
    ran = project.run("create", message="nothing")
    assert (ran.code, content(project)) == (0, before)
    assert "No changes" in ran.out


def test_a_spelling_of_the_same_is_nothing_to_do(project: Project) -> None:
    started(project, USERS)
    models(project, USERS.replace("VARCHAR", "character varying NULL").replace("INTEGER", "int4"))
    assert created(project) == []


def test_one_file_and_its_down_migration_are_written_and_then_the_migrations_match_the_models(
    project: Project,
) -> None:
    models(project, USERS, INDEX)
    checked = project.run("check")
    assert checked.code == 2
    assert 'CREATE TABLE "users"' in checked.err
    ran = project.run("create", message="The users!")
    assert ran.code == 0, ran.said
    [name] = project.names()
    assert name.endswith("_the_users.sql")
    assert sorted(file.name for file in (project.migrations / "down").iterdir()) == [name]
    assert [migration.name for migration in read_migrations()] == [name]
    assert project.run("check").code == 0
    assert project.run("validate").code == 0
    assert f"written: migrations/{name}, and down/{name}" in ran.out
    assert 'CREATE TABLE "users"' in ran.out


@pytest.mark.parametrize("number", ["SERIAL NOT NULL", "INTEGER GENERATED ALWAYS AS IDENTITY"])
def test_what_comes_with_a_new_table_is_said_once(project: Project, number: str) -> None:
    comments = ["COMMENT ON TABLE plants IS 'green';", "COMMENT ON COLUMN plants.id IS 'its';"]
    models(project, f"CREATE TABLE plants (id {number}, PRIMARY KEY (id));", *comments)
    [text] = created(project)
    statements = [strip_comments(each) for each in split_statements(text)]
    assert [" ".join(each.split()[:3]) for each in statements] == [
        'CREATE TABLE "plants"',
        "COMMENT ON TABLE",
        "COMMENT ON COLUMN",
    ]
    assert created(project) == []


def test_files_are_newer_than_those_that_are_there(project: Project) -> None:
    project.add("29990101000000_future", "CREATE TABLE future (id integer);\n")
    models(project, "CREATE TABLE future (id integer);", USERS)
    assert len(created(project)) == 1
    assert project.names()[1] == "29990101000001_change.sql"


def test_an_index_of_a_table_that_is_there_is_made_concurrently_in_a_file_of_its_own(
    project: Project, live: str
) -> None:
    started(project, USERS)
    before = read_schema(live)
    users = USERS.replace("\tage", "\tbio VARCHAR,\n\tage")
    models(project, users, INDEX, "CREATE INDEX ix_users_age ON users (age);", TEAMS, TEAMS_INDEX)
    texts = created(project)
    alone = [text for text in texts if "CONCURRENTLY" in text]
    assert sorted(text.removeprefix(OUTSIDE) for text in alone) == [
        'CREATE INDEX CONCURRENTLY "ix_users_age" ON "users" ("age");\n',
        'CREATE INDEX CONCURRENTLY "ix_users_nick" ON "users" ("nick");\n',
    ]
    assert all(text.startswith(OUTSIDE) for text in alone)
    together = "".join(text for text in texts if text not in alone)
    assert 'CREATE UNIQUE INDEX "ix_teams_name"' in together
    assert any(name.endswith("_change_ix_users_age.sql") for name in project.names())
    migrated(project)
    back(project, 1, "users.bio")
    assert diff(before, read_schema(live)) == []


def test_an_index_is_dropped_concurrently(project: Project, live: str) -> None:
    started(project, USERS, INDEX)
    before = read_schema(live)
    models(project, USERS)
    assert created(project) == [f'{OUTSIDE}DROP INDEX CONCURRENTLY "ix_users_nick";\n']
    migrated(project)
    back(project, 1)
    assert diff(before, read_schema(live)) == []


def test_indexes_of_partitioned_tables_are_made_and_dropped_plainly(
    project: Project, live: str
) -> None:
    started(project, EVENTS)
    before = read_schema(live)
    models(project, EVENTS, EVENTS_INDEX)
    assert created(project) == ['CREATE INDEX "ix_events_at" ON "events" ("at");\n']
    migrated(project)
    models(project, EVENTS)
    assert created(project) == ['DROP INDEX "ix_events_at";\n']
    migrated(project)
    back(project, 2)
    assert diff(before, read_schema(live)) == []


# --- renames ---


def test_what_looks_renamed_is_asked_about_and_nothing_is_written(project: Project) -> None:
    started(project, USERS, INDEX)
    models(project, NICKNAME)
    said = refused(project, 3)
    assert "users.nick was removed and users.nickname added, with the same type" in said
    assert "  rename=users.nick:nickname\n" in said
    assert "  rename=none" in said


@pytest.mark.parametrize("rename", ["users.nick:nickname", "nick:nickname"])
def test_a_renamed_column_keeps_its_values_and_its_index_is_named_after_it(
    project: Project, live: str, rename: str
) -> None:
    started(project, USERS, INDEX)
    before = read_schema(live)
    execute(live, "INSERT INTO users VALUES (1, 'Ada')")
    models(project, NICKNAME, "CREATE INDEX ix_users_nickname ON users (nickname);")
    [text] = created(project, rename=rename)
    assert text == (
        'ALTER TABLE "users" RENAME COLUMN "nick" TO "nickname";\n'
        'ALTER INDEX "ix_users_nick" RENAME TO "ix_users_nickname";\n'
    )
    migrated(project)
    assert execute(live, "SELECT nickname FROM users") == [("Ada",)]
    back(project, 1)
    assert execute(live, "SELECT nick FROM users") == [("Ada",)]
    assert diff(before, read_schema(live)) == []


def test_a_renamed_column_may_change_beside(project: Project, live: str) -> None:
    started(project, USERS)
    execute(live, "INSERT INTO users VALUES (1, 'Ada')")
    models(project, NICKNAME.replace("VARCHAR", "VARCHAR(50) NOT NULL"))
    created(project, rename="nick:nickname")
    migrated(project)
    assert execute(live, "SELECT nickname FROM users") == [("Ada",)]
    back(project, 1)


def test_two_renames_are_named_with_a_comma(project: Project, live: str) -> None:
    started(project, USERS, TEAMS)
    execute(live, "INSERT INTO users VALUES (1, 'Ada', 36)")
    models(project, NICKNAME.replace("age", "years"), TEAMS)
    created(project, rename="users.nick:nickname,age:years")
    migrated(project)
    assert execute(live, "SELECT nickname, years FROM users") == [("Ada", 36)]


def test_no_rename_drops_and_adds(project: Project, live: str) -> None:
    started(project, USERS)
    execute(live, "INSERT INTO users VALUES (1, 'Ada')")
    models(project, NICKNAME)
    expand, contract = created(project, rename="none")
    assert "ADD COLUMN" in expand
    assert "DROP COLUMN" in contract
    migrated(project)
    assert execute(live, "SELECT nickname FROM users") == [(None,)]
    back(project, 1, "users.nickname", "users.nick")


@pytest.mark.parametrize("rename", ["nick:age", "teams.nick:nickname", "nick", "", "nickname:nick"])
def test_an_answer_that_fits_nothing_is_an_error_and_names_what_fits(
    project: Project, rename: str
) -> None:
    started(project, USERS)
    models(project, NICKNAME)
    assert "users.nick:nickname" in refused(project, 1, rename=rename)


def test_a_renamed_table_keeps_its_rows(project: Project, live: str) -> None:
    started(project, USERS, INDEX)
    before = read_schema(live)
    execute(live, "INSERT INTO users VALUES (1, 'Ada')")
    models(project, PEOPLE, "CREATE INDEX ix_people_nick ON people (nick);")
    said = refused(project, 3)
    assert "rename=users:people" in said
    assert "rename=none" in said
    [text] = created(project, rename="users:people")
    assert "DROP" not in text
    migrated(project)
    assert execute(live, "SELECT nick FROM people") == [("Ada",)]
    assert {"INDEX public.ix_people_nick", "CONSTRAINT public.people people_pkey"} <= {
        *read_schema(live)
    }
    back(project, 1)
    assert diff(before, read_schema(live)) == []


def test_a_table_that_was_not_renamed_is_dropped_and_made(project: Project, live: str) -> None:
    started(project, USERS)
    models(project, PEOPLE)
    expand, contract = created(project, rename="none")
    assert 'CREATE TABLE "people"' in expand
    assert 'DROP TABLE "users"' in contract
    migrated(project)


@pytest.mark.parametrize(
    "after",
    [
        [USERS.replace("nick VARCHAR", "born DATE")],
        [USERS.replace("nick VARCHAR,\n\t", "")],
        [USERS.replace("nick", "nick VARCHAR,\n\tlong")],
        [TEAMS],
    ],
    ids=["another type", "only gone", "only new", "another table"],
)
def test_what_does_not_look_renamed_is_not_asked_about(project: Project, after: list[str]) -> None:
    started(project, USERS)
    models(project, *after)
    assert created(project)
    migrated(project)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_at_a_terminal_each_is_asked_and_what_is_taken_is_asked_no_more(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Rename("users", old, new) for old in ("nick", "mail") for new in ("name", "post")]
    for typed, wanted in (
        ("y\nyes\n", [found[0], found[3]]),
        ("n\ny\ny\n", [found[1], found[2]]),
        ("\n\n\n\n", []),
    ):
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        assert confirm_renames(found, None) == wanted, typed
    asked = capsys.readouterr().out
    assert "users.nick" in asked
    assert "post" in asked


@pytest.mark.usefixtures("shared")
def test_without_a_terminal_nothing_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(MigrateError) as error:
        confirm_renames([Rename("", "users", "people")], None)
    assert error.value.code == Exit.REFUSED


# --- rows ---

KEYED = "CREATE TABLE users (id {}, nick VARCHAR, PRIMARY KEY (id));"
SERIAL, IDENTITY = "SERIAL NOT NULL", "INTEGER GENERATED BY DEFAULT AS IDENTITY"
DOCUMENTS = "CREATE TABLE documents (id INTEGER NOT NULL, data JSONB, PRIMARY KEY (id));"
ADDED = "INSERT INTO {} (nick) VALUES ('Ada') RETURNING id"


@pytest.mark.parametrize(
    ("old", "new", "rename"),
    [
        (SERIAL, SERIAL, "users:people"),
        (SERIAL, IDENTITY, ""),
        (IDENTITY, SERIAL, ""),
        (SERIAL, "BIGSERIAL NOT NULL", ""),
        (IDENTITY, IDENTITY.replace("IDENTITY", "IDENTITY (START WITH 100)"), ""),
    ],
    ids=["another table name", "identity", "serial", "bigserial", "another start"],
)
def test_numbers_go_on_after_those_that_were_given_there_and_back(
    project: Project, live: str, old: str, new: str, rename: str
) -> None:
    started(project, KEYED.format(old))
    before = read_schema(live)
    assert [execute(live, ADDED.format("users")) for _ in range(2)] == [[(1,)], [(2,)]]
    table = "people" if rename else "users"
    models(project, KEYED.format(new).replace("users", table))
    created(project, **({"rename": rename} if rename else {}))
    migrated(project)
    assert execute(live, ADDED.format(table)) == [(3,)]
    back(project, 1)
    assert execute(live, ADDED.format("users")) == [(4,)]
    assert diff(before, read_schema(live)) == []


def test_a_column_that_gets_numbers_goes_on_after_its_values(project: Project, live: str) -> None:
    started(project, KEYED.format("INTEGER NOT NULL"))
    execute(live, "INSERT INTO users VALUES (7, 'Ada')")
    models(project, KEYED.format(IDENTITY))
    created(project)
    migrated(project)
    assert execute(live, ADDED.format("users")) == [(8,)]


def test_names_that_were_swapped_by_hand_are_swapped_back_with_their_values(
    project: Project, live: str
) -> None:
    started(project, USERS.replace("age INTEGER", "age VARCHAR"))
    before = read_schema(live)
    execute(live, "INSERT INTO users VALUES (1, 'Ada', '36')")
    swap = ("nick TO spare", "age TO nick", "spare TO age")
    project.add("29990101000000_swap", "".join(f"ALTER TABLE users RENAME {e};\n" for e in swap))
    migrated(project)
    assert execute(live, "SELECT nick, age FROM users") == [("36", "Ada")]
    back(project, 1)
    assert execute(live, "SELECT nick, age FROM users") == [("Ada", "36")]
    assert diff(before, read_schema(live)) == []


def test_what_rows_may_not_allow_is_told_and_written_all_the_same(project: Project) -> None:
    started(project, DOCUMENTS)
    models(project, DOCUMENTS, "CREATE UNIQUE INDEX ix_data ON documents (data);")
    ran = project.run("create", message="unique")
    assert ran.code == 0, ran.said
    assert "on tables with rows this may fail: could not create unique index" in ran.out
    migrated(project)


def test_a_required_column_that_goes_comes_back_where_there_are_no_rows(
    project: Project, live: str
) -> None:
    required = USERS.replace("nick VARCHAR", "nick VARCHAR NOT NULL")
    started(project, required)
    before = read_schema(live)
    models(project, USERS.replace("nick VARCHAR,\n\t", ""))
    created(project)
    migrated(project)
    down = (project.migrations / "down" / project.names()[-1]).read_text(encoding="utf-8")
    assert "Rows may not allow it; then it is refused" in down
    execute(live, "INSERT INTO users VALUES (1, 36)")
    refusal = project.run("down", env="live", yes=True, allow_loss="users.nick")
    assert refusal.code == 3
    assert "the data does not allow it" in refusal.err
    execute(live, "DELETE FROM users")
    back(project, 1)
    assert diff(before, read_schema(live)) == []


# --- enums ---


def test_a_value_that_is_renamed_keeps_its_rows(project: Project, live: str) -> None:
    started(project, MOOD, FEELING)
    execute(live, "INSERT INTO days VALUES (1, 'ok')")
    models(project, MOOD.replace("ok", "fine"), FEELING)
    assert "rename=mood.ok:fine" in refused(project, 3)
    [text] = created(project, rename="mood.ok:fine")
    assert text == "ALTER TYPE \"mood\" RENAME VALUE 'ok' TO 'fine';\n"
    migrated(project)
    assert execute(live, "SELECT mood FROM days") == [("fine",)]
    back(project, 1)
    assert execute(live, "SELECT mood FROM days") == [("ok",)]


def test_a_value_is_added_to_an_enum(project: Project, live: str) -> None:
    started(project, MOOD, FEELING)
    before = read_schema(live)
    execute(live, "INSERT INTO days VALUES (1, 'ok')")
    models(project, MOOD.replace("'ok'", "'fine', 'ok'"), FEELING)
    [text] = created(project)
    assert "ADD VALUE 'fine'" in text
    migrated(project)
    execute(live, "INSERT INTO days VALUES (2, 'fine')")
    ran = project.run("down", env="live", yes=True)
    assert ran.code == 3, ran.said
    execute(live, "DELETE FROM days WHERE mood = 'fine'")
    back(project, 1, "days.mood")
    assert diff(before, read_schema(live)) == []


def test_a_value_is_removed_from_an_enum_and_the_rest_of_the_rows_stay(
    project: Project, live: str
) -> None:
    started(project, MOOD, FEELING.replace("mood mood", "mood mood DEFAULT 'ok'"))
    before = read_schema(live)
    execute(live, "INSERT INTO days VALUES (1, 'ok')")
    models(
        project, MOOD.replace("'sad', ", ""), FEELING.replace("mood mood", "mood mood DEFAULT 'ok'")
    )
    assert created(project)
    migrated(project)
    assert execute(live, "SELECT mood::text FROM days") == [("ok",)]
    with pytest.raises(Exception, match="invalid input value for enum"):
        execute(live, "INSERT INTO days VALUES (2, 'sad')")
    back(project, 1)
    assert diff(before, read_schema(live)) == []


# --- failures ---


def test_beside_another_create_no_file_is_written(project: Project) -> None:
    started(project, USERS)
    models(project, USERS, INDEX)
    before = project.names()

    def meanwhile(*_: object) -> list[str]:
        project.add("20260102000000_another", "CREATE TABLE others (id int);")
        return []

    with pytest.raises(MigrateError, match="changed meanwhile") as caught:
        create_migrations("index", lint=Lint(lambda _: None, lambda *_: set(), meanwhile))
    assert caught.value.code == Exit.BUSY
    assert {*project.names()} == {*before, "20260102000000_another.sql"}


@pytest.mark.parametrize("first", [True, False])
def test_what_fails_half_way_leaves_no_file_and_the_old_checksums(
    project: Project, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    if not first:
        started(project, TEAMS)
    models(project, USERS)

    def broken(*_: Any) -> None:
        (project.migrations / "atlas.sum").write_text("half", encoding="utf-8")
        raise MigrateError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("modelmigrate.migrations.files.update_checksums", broken)
        assert "the disk is full" in refused(project, 1)
    assert created(project, rename="none")


def test_models_that_cannot_be_read_are_an_error_in_their_own_words(project: Project) -> None:
    loader = project.folder / "load_models.py"
    try:
        loader.write_text("raise SystemExit('error: user.py: no such thing')\n", encoding="utf-8")
        assert "user.py: no such thing" in refused(project, 1)
    finally:
        loader.write_text(LOADER, encoding="utf-8")


def test_models_that_nobody_asks_for_are_not_left_loading(project: Project) -> None:
    loader = project.folder / "load_models.py"
    try:
        loader.write_text("import time\ntime.sleep(600)\n", encoding="utf-8")
        refused(project, 1, message="")
        assert [each for each in psutil.Process().children() if str(loader) in each.cmdline()] == []
    finally:
        loader.write_text(LOADER, encoding="utf-8")


def test_models_that_make_no_schema_name_the_statement(project: Project) -> None:
    models(project, USERS, "CREATE TABLE broken (id no_such_type);")
    said = refused(project, 1)
    assert "no_such_type" in said
    assert "CREATE TABLE broken" in said


@pytest.mark.parametrize("message", ["", "   ", "!?", "漢字", "x" * 101])
def test_a_message_that_gives_no_name_is_an_error(project: Project, message: str) -> None:
    models(project, USERS)
    assert 'make migrate-create m="add user bio"' in refused(project, 1, message=message)
    ran: Ran = project.run("create")
    assert ran.code == 1


def test_a_command_that_is_typed_loads_the_models_once(project: Project) -> None:
    models(project, USERS)
    loader = project.folder / "load_models.py"
    loader.write_text(f"{LOADER}\nPath('loads').open('a').write('once ')\n", encoding="utf-8")
    for command, message in (("create", "initial"), ("check", "")):
        with project.start(command, **({"message": message} if message else {})) as running:
            said, _ = running.communicate()
        assert running.returncode == 0, said
        assert (project.folder / "loads").read_text(encoding="utf-8") == "once "
        (project.folder / "loads").unlink()


# --- rows that are left as they are ---


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (USERS, USERS.replace("nick VARCHAR", "nick VARCHAR DEFAULT 'x'"), 'set="nick = \'x\'::character varying" where="nick IS NULL"'),
        (USERS, USERS.replace("PRIMARY KEY (id)", "PRIMARY KEY (id), CONSTRAINT old CHECK (age > 9) NOT VALID"), "users old is NOT VALID"),
        (USERS.replace("age INTEGER", "age INTEGER DEFAULT 1"), USERS.replace("age INTEGER", "age INTEGER DEFAULT 2"), ""),
        (USERS, USERS.replace("age INTEGER", "age INTEGER, bio VARCHAR DEFAULT 'x'"), ""),
    ],
    ids=["a default", "a check that is not valid", "another default", "a new column"],
)  # fmt: skip
def test_rows_that_are_left_as_they_are_are_told(
    project: Project, old: str, new: str, note: str
) -> None:
    models(project, old)
    assert created(project)
    models(project, new)
    said = project.run("create", message="change").out
    notes = [line for line in said.splitlines() if line.startswith("note: ")]
    assert len(notes) == bool(note), said
    assert not note or note in notes[0]
