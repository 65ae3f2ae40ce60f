"""What the commands promise of a database that is in use, each on real servers."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.atlas.commands import command_line, environment
from modelmigrate.atlas.directory import checksums, read_files, read_migrations, require_checksums
from modelmigrate.migrations.revisions import read_status
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import ABSENT, read_schema
from modelmigrate.schema.states import replay_migrations
from tests.conftest import TREE, run
from tests.package.harness import Project, Ran, execute, project_with_models

FIRST = "20260101000000_first"
BIO = "20260102000000_bio"
VIEW = "20260103000000_view"
NEW = "20260104000000_new"
FILES = {
    FIRST: "CREATE TABLE users (id integer PRIMARY KEY, nick text, age integer DEFAULT 18);\n"
    "CREATE INDEX users_nick ON users (nick);\n",
    BIO: "ALTER TABLE users ADD bio text;\n",
    VIEW: "CREATE VIEW grown AS SELECT id, nick FROM users WHERE age > 17;\n",
}
MODELS = (
    "CREATE TABLE users (id INTEGER NOT NULL, nick TEXT, age INTEGER DEFAULT 18, bio TEXT,"
    " PRIMARY KEY (id));",
    "CREATE INDEX users_nick ON users (nick);",
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Project]:
    with project_with_models("live") as made:
        for name, text in FILES.items():
            made.add(name, text)
        declared = made.folder / "src/infrastructure/persistence/sql/views/grown.sql"
        declared.parent.mkdir(parents=True)
        declared.write_text(FILES[VIEW], encoding="utf-8")
        assert made.run("hash").code == 0
        yield made


@pytest.fixture
def project(shared: Project) -> Iterator[Project]:
    """A project with three migrations, and models that agree."""
    kept = shared.folder / "kept"
    shutil.copytree(shared.migrations, kept)
    models(shared, *MODELS)
    yield shared
    shutil.rmtree(shared.migrations, ignore_errors=True)
    kept.rename(shared.migrations)
    shared.set()


@pytest.fixture
def live(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the environment `live`, migrated, with a row."""
    with clone() as url:
        monkeypatch.setenv("LIVE_DATABASE_URL", url)
        execute(url, "INSERT INTO users VALUES (1, 'ada', 36, 'counts')")
        yield url


@pytest.fixture
def staging(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the environment `staging`, migrated."""
    with clone() as url:
        monkeypatch.setenv("STAGING_DATABASE_URL", url)
        yield url


@pytest.fixture
def empty(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the environment `live`, which nothing was done to."""
    with scratch_database() as url:
        monkeypatch.setenv("LIVE_DATABASE_URL", url)
        yield url


class clone:  # noqa: N801
    """A database to which all migrations are applied."""

    def __enter__(self) -> str:
        self.kept = replay_migrations(read_migrations())
        self.scratch = scratch_database(self.kept.__enter__())
        return self.scratch.__enter__()

    def __exit__(self, *error: object) -> None:
        self.scratch.__exit__(None, None, None)
        self.kept.__exit__(None, None, None)


def models(project: Project, *statements: str) -> None:
    (project.folder / "schema.sql").write_text("\n\n".join(statements), encoding="utf-8")


def drift(project: Project, **options: str | bool) -> Ran:
    return project.run("drift", env="live", **options)


def downgrade(project: Project, **options: str | bool) -> Ran:
    ran = project.run("down", env="live", **({"yes": True} | options))
    assert "Traceback" not in ran.said
    return ran


def migrated(project: Project, name: str, text: str, down: str | None = None) -> None:
    """Write a migration, and a down file if it is given; apply it to `live`."""
    project.add(name, text)
    if down is not None:
        (project.migrations / "down" / f"{name}.sql").write_text(down, encoding="utf-8")
    ran = project.run("apply", env="live", yes=True)
    assert ran.code == 0, ran.said


def everything(url: str) -> tuple[Schema, list[object]]:
    """The schema, the record of migrations and the rows."""
    rows = "SELECT to_jsonb(u) FROM users u ORDER BY id"
    return read_schema(url), [read_status(url), execute(url, rows)]


# --- schema-drift ---


def test_a_database_that_models_and_files_make_is_in_sync(project: Project, live: str) -> None:
    checked = drift(project, against="models")
    assert (checked.code, checked.out) == (0, "No drift: live matches the models.\n")


def test_a_spelling_is_no_drift_from_the_models(project: Project, live: str) -> None:
    models(project, MODELS[0].replace("nick TEXT", "nick text NULL"), MODELS[1])
    execute(live, "ALTER TABLE users ALTER age SET DEFAULT ((18))")
    # Columns in another order.
    models(
        project, MODELS[0].replace(" bio TEXT,", "").replace("nick", "bio TEXT, nick"), MODELS[1]
    )
    assert drift(project, against="models").code == 0


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ("ALTER TABLE users ADD extra text", "TABLE public.users"),
        ("DROP INDEX users_nick", "INDEX public.users_nick"),
        ("CREATE TABLE more (id integer)", "TABLE public.more"),
        ("CREATE VIEW extra AS SELECT 1 AS one", "VIEW public.extra"),
    ],
)
def test_a_change_by_hand_is_drift_from_the_models(
    project: Project, live: str, change: str, label: str
) -> None:
    execute(live, change)
    checked = drift(project, against="models")
    assert checked.code == 2
    assert label in checked.err


def test_environments_that_are_the_same_agree(project: Project, live: str, staging: str) -> None:
    checked = drift(project, against="staging")
    assert (checked.code, checked.out) == (0, "No drift: live matches staging.\n")


def test_an_environment_that_is_behind_has_not_drifted(
    project: Project, live: str, staging: str
) -> None:
    assert downgrade(project, steps="2", allow_loss="users.bio").code == 0
    checked = drift(project, against="staging")
    assert checked.code == 0
    assert "live is 2 migration(s) behind staging" in checked.out
    ahead = project.run("drift", env="staging", against="live")
    assert ahead.code == 0
    assert "ahead of live" in ahead.out


def test_a_view_that_one_environment_has_is_drift(
    project: Project, live: str, staging: str
) -> None:
    execute(staging, "CREATE VIEW more AS SELECT id FROM users")
    checked = drift(project, against="staging")
    assert checked.code == 2
    assert "missing VIEW public.more" in checked.err
    assert "extra   VIEW public.more" in project.run("drift", env="staging", against="live").err


def test_an_environment_that_is_not_set_is_an_error(project: Project, live: str) -> None:
    checked = drift(project, against="nowhere")
    assert checked.code == 1
    assert "NOWHERE_DATABASE_URL" in checked.err


def test_drift_as_json_can_be_read_by_a_program(project: Project, live: str) -> None:
    clean = drift(project, format="json")
    assert clean.code == 0
    assert json.loads(clean.out)["drift"] is False
    execute(live, "DROP VIEW grown; CREATE TABLE more (id integer); ALTER TABLE users DROP bio")
    checked = drift(project, format="json")
    assert checked.code == 2
    answer = json.loads(checked.out)
    assert answer["drift"] is True
    assert (answer["environment"], answer["against"]) == ("live", "its migrations")
    found = {each["name"]: each for each in answer["differences"]}
    assert {name: (each["kind"], each["how"]) for name, each in found.items()} == {
        "public.grown": ("VIEW", "missing"),
        "public.more": ("TABLE", "extra"),
        "public.users": ("TABLE", "changed"),
    }
    assert found["public.grown"]["found"] is None
    assert found["public.more"]["expected"] is None
    assert "bio text" in found["public.users"]["expected"]
    assert "bio text" not in found["public.users"]["found"]


def test_drift_for_github_is_an_annotation_a_line(project: Project, live: str) -> None:
    clean = drift(project, format="github")
    assert clean.code == 0
    assert clean.out.startswith("::notice title=")
    execute(live, "DROP VIEW grown; CREATE TABLE more (id integer)")
    checked = drift(project, format="github")
    assert checked.code == 2
    lines = checked.out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("::error title=Schema drift in live::") for line in lines)


@pytest.mark.parametrize("option", ["format", "fix"])
def test_a_choice_that_there_is_not_names_those_that_there_are(
    project: Project, live: str, option: str
) -> None:
    checked = drift(project, **{option: "xml"})
    assert checked.code == 1
    assert {"format": "json, github", "fix": "adopt, revert"}[option] in checked.err


def test_a_change_by_hand_is_reverted_when_that_is_confirmed(project: Project, live: str) -> None:
    before = everything(live)
    execute(
        live,
        "DROP VIEW grown; ALTER TABLE users ALTER age TYPE bigint; CREATE INDEX more ON users (age);"
        " CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
        " ALTER TABLE users ADD extra text",
    )
    drifted = everything(live)
    shown = drift(project, fix="revert")
    assert shown.code == 0, shown.said
    assert "DROP FUNCTION IF EXISTS public.one()" in shown.out
    assert "yes=1" in shown.out
    assert everything(live) == drifted
    undone = drift(project, fix="revert", yes=True)
    assert undone.code == 0, undone.said
    assert everything(live) == before
    assert drift(project).code == 0


def test_undoing_asks_for_what_rows_would_lose(project: Project, live: str) -> None:
    execute(live, "ALTER TABLE users ADD extra text; UPDATE users SET extra = 'kept'")
    drifted = everything(live)
    refused = drift(project, fix="revert", yes=True)
    assert refused.code == 3, refused.said
    assert "users.extra: 1" in refused.err
    assert "allow-loss=users.extra" in refused.err
    assert drift(project, fix="revert", yes=True, allow_loss="users.bio").code == 3
    assert everything(live) == drifted
    assert drift(project, fix="revert", yes=True, allow_loss="users.extra").code == 0
    assert drift(project).code == 0


def test_undoing_a_database_that_did_not_drift_says_so(project: Project, live: str) -> None:
    ran = drift(project, fix="revert", yes=True)
    assert (ran.code, ran.out) == (0, "No drift: live matches its migrations.\n")


def test_what_the_project_ignores_is_no_drift_and_stays(project: Project, live: str) -> None:
    execute(live, "CREATE VIEW more AS SELECT 1 AS one; CREATE TABLE extra (id integer)")
    file = project.folder / "pyproject.toml"
    file.write_text('[tool.modelmigrate]\nignore = ["VIEW *"]\n', encoding="utf-8")
    checked = drift(project)
    assert checked.code == 2
    assert "extra   TABLE public.extra" in checked.err
    assert "VIEW" not in checked.err
    execute(live, "DROP TABLE extra")
    assert drift(project).code == 0
    assert drift(project, against="models").code == 0
    file.write_text('[tool.modelmigrate]\nignore = "VIEW *"\n', encoding="utf-8")
    assert drift(project).code == 1


def test_undoing_leaves_what_is_ignored(project: Project, live: str) -> None:
    execute(live, "CREATE VIEW more AS SELECT 1 AS one; CREATE INDEX extra ON users (age)")
    file = project.folder / "pyproject.toml"
    file.write_text('[tool.modelmigrate]\nignore = ["VIEW *"]\n', encoding="utf-8")
    undone = drift(project, fix="revert", yes=True)
    assert undone.code == 0, undone.said
    assert "VIEW public.more" in read_schema(live)
    assert drift(project).code == 0


# --- migrate-downgrade ---


def test_the_last_migrations_are_rolled_back_by_number(project: Project, live: str) -> None:
    assert downgrade(project).code == 0
    assert read_status(live).version == BIO[:14]
    ran = downgrade(project, steps="2", allow_loss="users,users.bio")
    assert ran.code == 0, ran.said
    assert read_schema(live) == {}
    assert "at version none" in ran.out
    assert project.run("apply", env="live", yes=True).code == 0
    assert drift(project).code == 0


def test_all_after_a_version_are_rolled_back(project: Project, live: str) -> None:
    ran = downgrade(project, to=FIRST[:14], allow_loss="users.bio")
    assert ran.code == 0, ran.said
    assert read_status(live).version == FIRST[:14]
    assert drift(project).code == 0
    assert execute(live, "SELECT * FROM users") == [(1, "ada", 36)]
    again = downgrade(project, to=FIRST[:14])
    assert again.code == 0
    assert "No changes" in again.out


def test_a_dry_run_takes_nothing_back(project: Project, live: str) -> None:
    before = everything(live)
    ran = downgrade(project, steps="2", dry_run=True, yes=False)
    assert ran.code == 0, ran.said
    assert "rows that lose users.bio: 1" in ran.out
    assert "DROP VIEW" in ran.out
    assert everything(live) == before


def test_without_a_confirmation_nothing_is_rolled_back(project: Project, live: str) -> None:
    before = everything(live)
    assert downgrade(project, yes=False).code == 3
    assert everything(live) == before


def test_rows_are_counted_and_lost_only_where_that_is_said(project: Project, live: str) -> None:
    before = everything(live)
    refused = downgrade(project, steps="2")
    assert refused.code == 3
    assert "users.bio: 1" in refused.err
    assert "allow-loss=users.bio" in refused.err
    assert downgrade(project, steps="3", allow_loss="users.bio").code == 3
    assert everything(live) == before
    execute(live, "UPDATE users SET bio = NULL")
    assert downgrade(project, steps="2").code == 0


def test_what_its_author_calls_irreversible_is_refused_with_the_way_forward(
    project: Project, live: str
) -> None:
    migrated(project, NEW, "UPDATE users SET nick = upper(nick);\n", "-- irreversible: old names\n")
    before = everything(live)
    every: list[dict[str, str | bool]] = [{}, {"steps": "2"}, {"dry_run": True}, {"to": FIRST[:14]}]
    for options in every:
        refused = downgrade(project, **options)
        assert refused.code == 3
        assert "old names" in refused.err
        assert 'make migrate-create m="undo ..."' in refused.err
    assert everything(live) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ALTER TABLE users ADD other text;\n", "other text"),
        ("DROP TABLE no_such_table;\n", "no_such_table"),
        ("", "INDEX public.more"),
        ("DROP INDEX more\nselect;\n", "syntax error"),
    ],
)
def test_a_down_file_that_restores_another_schema_is_found_before_it_runs(
    project: Project, live: str, text: str, said: str
) -> None:
    migrated(project, NEW, "CREATE INDEX more ON users (age);\n", text)
    before = everything(live)
    refused = downgrade(project)
    assert refused.code == 3, refused.said
    assert said in refused.err
    assert everything(live) == before


def test_a_database_that_drifted_is_not_rolled_back(project: Project, live: str) -> None:
    execute(live, "ALTER TABLE users ADD extra text")
    before = everything(live)
    refused = downgrade(project)
    assert refused.code == 2
    assert "changed TABLE public.users" in refused.err
    assert "Nothing was changed" in refused.err
    assert everything(live) == before


def test_rows_that_forbid_a_rollback_stay_and_so_does_all_else(project: Project, live: str) -> None:
    migrated(project, NEW, "ALTER TABLE users ADD CONSTRAINT grown_up CHECK (age > 0);\n")
    lax = "ALTER TABLE users DROP CONSTRAINT grown_up, ADD later text;\n"
    migrated(project, "20260105000000_lax", lax)
    execute(live, "UPDATE users SET age = -1")
    before = everything(live)
    refused = downgrade(project, steps="2")
    assert refused.code == 3, refused.said
    assert "the data does not allow it" in refused.err
    assert "grown_up" in refused.err
    assert everything(live) == before
    execute(live, "UPDATE users SET age = 1")
    assert downgrade(project, steps="2").code == 0


def test_a_column_that_was_never_null_before_cannot_take_nulls_back(
    project: Project, live: str
) -> None:
    migrated(project, NEW, "ALTER TABLE users ALTER nick SET NOT NULL;\n")
    migrated(project, "20260105000000_lax", "ALTER TABLE users ALTER nick DROP NOT NULL;\n")
    execute(live, "INSERT INTO users (id) VALUES (2)")
    before = everything(live)
    refused = downgrade(project)
    assert refused.code == 3, refused.said
    assert "null values" in refused.err
    assert everything(live) == before


# What a migration loses -> its SQL, and the name of what its down migration does not bring back.
LOST = {
    "drops a column": ("ALTER TABLE users DROP bio", "users.bio"),
    "drops a column with a default": ("ALTER TABLE users DROP age CASCADE", "users.age"),
    "drops a table": ("DROP TABLE notes", "notes"),
    "empties a table": ("TRUNCATE notes", "notes"),
    "deletes rows": ("DELETE FROM notes WHERE body IS NOT NULL", "notes"),
    "sets values": ("UPDATE users SET nick = upper(nick)", "users.nick"),
    "sets values in a block": ("DO $$ BEGIN UPDATE users SET nick = 'x'; END $$", "users.nick"),
    "sets values by a function": (
        "CREATE FUNCTION pg_temp.wipe() RETURNS void LANGUAGE sql AS 'UPDATE users SET nick = NULL';"
        " SELECT pg_temp.wipe()",
        "users.nick",
    ),
    "narrows a type": ("ALTER TABLE notes ALTER at TYPE date", "notes.at"),
    "drops a column of a table that it renames": (
        "ALTER TABLE users DROP bio; ALTER TABLE users RENAME TO people",
        "users.bio",
    ),
}
NOTES = "CREATE TABLE notes (id integer PRIMARY KEY, body text, at timestamp DEFAULT now());\n"


@pytest.mark.parametrize("what", LOST)
def test_what_does_not_come_back_is_said_in_the_down_file_and_asked_for(
    project: Project, live: str, what: str
) -> None:
    sql, label = LOST[what]
    migrated(project, NEW, NOTES)
    execute(live, "INSERT INTO notes VALUES (1, 'a', '2024-05-06 07:08:09')")
    migrated(project, "20260105000000_loses", f"{sql};\n")
    assert project.run("hash").code == 0
    down = project.migrations / "down" / "20260105000000_loses.sql"
    noted = re.findall(r"-- Not restored: the (?:values|rows) of (.*)\.", down.read_text("utf-8"))
    assert noted == [label]
    before = read_status(live)
    refused = downgrade(project)
    assert refused.code == 3, refused.said
    assert f"allow-loss={label}\n" in refused.err
    assert f"not restored: {label}" in refused.out
    assert "Only a backup has these values." in refused.err
    assert read_status(live) == before
    down.unlink()  # as in a project of an older version, it is found anyway
    assert downgrade(project, allow_loss="other").code == 3
    accepted = downgrade(project, allow_loss=label)
    assert accepted.code == 0, accepted.said


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE users RENAME bio TO about",
        "ALTER TABLE users ALTER bio TYPE varchar(90)",
        "CREATE TABLE copy AS SELECT * FROM users",
        "ALTER TABLE users ADD more text DEFAULT 'x'",
        "UPDATE users SET nick = nick",
        "ALTER TABLE users ALTER bio SET DEFAULT 'x'",
    ],
)
def test_a_migration_that_loses_nothing_is_rolled_back_without_a_question(
    project: Project, live: str, sql: str
) -> None:
    execute(live, "UPDATE users SET bio = 'kept'")
    migrated(project, NEW, f"{sql};\n")
    accepted = {"allow_loss": "copy,users.more"}  # which the down migration drops
    ran = downgrade(project, **accepted)
    assert ran.code == 0, ran.said
    assert "not restored" not in ran.out
    assert execute(live, "SELECT nick, age, bio FROM users") == [("ada", 36, "kept")]


def test_a_down_migration_by_hand_that_brings_the_values_back_asks_nothing(
    project: Project, live: str
) -> None:
    moves = "CREATE TABLE bios AS SELECT id, bio FROM users;\nALTER TABLE users DROP bio;\n"
    back = (
        "ALTER TABLE users ADD bio text;\nUPDATE users u SET bio = b.bio FROM bios b WHERE b.id = u.id;\n"
        "DROP TABLE bios;\n"
    )
    migrated(project, NEW, moves, back)
    refused = downgrade(project)
    assert refused.code == 3
    assert "users.bio" not in refused.err
    assert downgrade(project, allow_loss="bios,rows").code == 0
    assert execute(live, "SELECT bio FROM users") == [("counts",)]


def test_a_column_of_a_table_without_rows_is_no_question(project: Project, live: str) -> None:
    migrated(project, NEW, "ALTER TABLE users DROP bio;\n")
    execute(live, "DELETE FROM users")
    assert downgrade(project).code == 0


def test_a_number_is_no_loss_where_it_fits(project: Project, live: str) -> None:
    migrated(project, NEW, "CREATE TABLE prices (price integer);\n")
    wider = "20260105000000_wider"
    migrated(project, wider, "ALTER TABLE prices ALTER price TYPE numeric(9, 2);\n")
    execute(live, "INSERT INTO prices VALUES (11), (11.5)")
    assert "prices.price: 1\n" in downgrade(project).err
    execute(live, "DELETE FROM prices WHERE price > 11")
    assert downgrade(project).code == 0
    assert execute(live, "SELECT price FROM prices") == [(11,)]


def test_what_one_create_writes_in_several_files_is_rolled_back_as_one(
    project: Project, live: str
) -> None:
    index = "CREATE INDEX users_{0} ON users ({0});"
    models(project, *MODELS, index.format("age"), index.format("bio"))
    assert project.run("create two").code == 0
    models(
        project,
        MODELS[0].replace("bio TEXT", "bio TEXT, extra TEXT"),
        MODELS[1],
        index.format("bio"),
    )
    assert project.run("create three").code == 0
    created = [name for name in project.names() if name[:-4] not in FILES]
    assert len(created) == 4, created
    texts = [(project.migrations / name).read_text("utf-8") for name in created]
    parts = [re.findall(r"^-- (Part \d of \d)\.$", text, re.MULTILINE) for text in texts]
    assert parts == [["Part 1 of 2"], ["Part 2 of 2"]] * 2
    assert [each.transactional for each in read_migrations()[-4:]].count(False) == 3
    assert project.run("validate").code == 0
    applied = project.run("apply", env="live", yes=True)
    assert applied.code == 0, applied.said
    assert downgrade(project).code == 0
    assert read_status(live).version == created[1][:14]
    assert downgrade(project, steps="2").code == 0
    assert read_status(live).version == BIO[:14]
    too_many = downgrade(project, steps="3")
    assert too_many.code == 1
    assert "from 1 to 2" in too_many.err


@pytest.mark.parametrize("options", [{"steps": "0"}, {"steps": "4"}, {"steps": "-1"}, {"steps": "x"}, {"steps": "²"},
                                     {"to": "2025"}, {"to": ""}])  # fmt: skip
def test_a_number_or_version_that_there_is_not_is_an_error(
    project: Project, live: str, options: dict[str, str]
) -> None:
    before = everything(live)
    ran = downgrade(project, **options)
    assert ran.code == 1, ran.said
    assert "Nothing was changed" in ran.err
    assert everything(live) == before


# --- migrate-baseline ---


def baseline(project: Project) -> Ran:
    return project.run("baseline", env="live", yes=True)


BASE = Path(__file__).with_name("schema_base.sql").read_text(encoding="utf-8")
ATOMIC = "CREATE FUNCTION two() RETURNS integer BEGIN ATOMIC SELECT 1; SELECT 2; END;\n"


@pytest.mark.parametrize("sql", [BASE, BASE + ATOMIC], ids=["everything", "semicolons inside"])
def test_a_database_that_others_made_is_baselined(project: Project, empty: str, sql: str) -> None:
    shutil.rmtree(project.migrations)
    execute(empty, sql)
    before = read_schema(empty)
    taken = baseline(project)
    assert taken.code == 0, taken.said
    [name] = project.names()
    assert (project.migrations / "down" / name).exists()
    assert project.run("validate").code == 0
    with replay_migrations(read_migrations()) as made:
        assert diff(before, read_schema(made)) == []
    assert diff(before, read_schema(empty)) == []
    ran = project.run("apply", env="live", yes=True)
    assert ran.code == 0, ran.said
    assert "No changes" in ran.out
    assert drift(project).code == 0


def test_a_database_of_an_older_version_is_baselined_at_that(project: Project, empty: str) -> None:
    execute(empty, FILES[FIRST] + FILES[BIO])
    taken = baseline(project)
    assert taken.code == 0, taken.said
    assert BIO in taken.out
    assert drift(project).code == 0
    assert project.run("apply", env="live", yes=True).code == 0
    assert "VIEW public.grown" in read_schema(empty)
    assert drift(project).code == 0


def test_the_schema_of_no_version_is_not_baselined(project: Project, empty: str) -> None:
    execute(empty, FILES[FIRST] + "CREATE TABLE other (id integer);")
    refused = baseline(project)
    assert refused.code == 3
    assert "extra   TABLE public.other" in refused.err
    assert read_status(empty).applied == []


def test_a_database_with_revisions_is_not_baselined(project: Project, live: str) -> None:
    before = everything(live)
    refused = baseline(project)
    assert refused.code == 1
    assert VIEW[:14] in refused.err
    assert everything(live) == before


def test_an_empty_database_is_not_baselined(project: Project, empty: str) -> None:
    refused = baseline(project)
    assert refused.code == 1
    assert "make migrate" in refused.err


def test_nothing_is_baselined_without_a_confirmation(project: Project, empty: str) -> None:
    shutil.rmtree(project.migrations)
    execute(empty, FILES[FIRST])
    assert project.run("baseline", env="live").code == 3
    assert project.names() == []
    assert "atlas_schema_revisions" not in str(execute(empty, "SELECT nspname FROM pg_namespace"))


# --- migrate-validate, migrate-hash ---


def test_files_in_order_are_said_to_be_so(project: Project) -> None:
    ran = project.run("validate")
    assert ran.code == 0
    assert [line.split()[:2] for line in ran.out.splitlines()] == [
        ["ok", "integrity"],
        ["ok", "structure"],
        ["ok", "dependencies"],
        ["ok", "SQL"],
    ]


def validated(project: Project, code: int, what: str) -> str:
    ran = project.run("validate")
    assert ran.code == code, ran.said
    assert f"FAIL  {what}" in ran.err
    return ran.err


def test_an_edited_file_fails_integrity(project: Project) -> None:
    file = project.migrations / f"{BIO}.sql"
    file.write_text("ALTER TABLE users ADD other text;\n", encoding="utf-8")
    assert "make migrate-hash" in validated(project, 4, "integrity")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("1_short.sql", "SELECT 1;\n", "1_short.sql is not named"),
        ("20260104000000.sql", "SELECT 1;\n", "20260104000000.sql is not named"),
        (f"{NEW}.sql", "-- atlas:txmode none\nSELECT 1;\n", "needs a blank line"),
        ("down/20260104000000_gone.sql", "SELECT 1;\n", "down/20260104000000_gone.sql belongs to"),
        ("notes.txt", "", "notes.txt is no migration"),
    ],
)
def test_a_file_that_is_out_of_place_fails_structure(
    project: Project, name: str, text: str, said: str
) -> None:
    (project.migrations / name).write_text(text, encoding="utf-8")
    project.run("hash")
    assert said in validated(project, 1, "structure")


def test_two_files_of_one_version_are_refused_by_name_before_atlas_meets_them(
    project: Project,
) -> None:
    (project.migrations / f"{VIEW[:14]}_twin.sql").write_text("SELECT 1;\n", encoding="utf-8")
    said = f"version {VIEW[:14]} is given twice"
    assert said in project.run("hash").err
    assert said in validated(project, 1, "integrity")
    for command in ("apply", "status", "create", "lint"):
        ran = project.run(command, **({"message": "next"} if command == "create" else {}))
        assert (ran.code, said in ran.err) == (1, True), ran.said


def test_a_file_that_needs_a_later_one_fails_dependencies(project: Project) -> None:
    project.add("20251231000000_early", "CREATE INDEX early ON users (id);\n")
    said = validated(project, 1, "dependencies")
    assert "users" in said
    assert "ok    structure" in said


def test_a_statement_that_is_no_sql_fails_syntax(project: Project) -> None:
    project.add(NEW, "ALTER TABEL users ADD more text;\n")
    assert "TABEL" in validated(project, 1, "SQL syntax")


def test_accepting_the_files_writes_the_down_files_that_are_missing(project: Project) -> None:
    project.add(NEW, "CREATE INDEX more ON users (age);\n")
    kept = (project.migrations / "down" / f"{BIO}.sql").read_text(encoding="utf-8")
    ran = project.run("hash")
    assert ran.code == 0
    assert f"written: migrations/down/{NEW}.sql" in ran.out
    assert BIO not in ran.out
    assert "DROP INDEX" in (project.migrations / "down" / f"{NEW}.sql").read_text(encoding="utf-8")
    assert kept == (project.migrations / "down" / f"{BIO}.sql").read_text(encoding="utf-8")
    assert "written" not in project.run("hash").out


# --- schema-inspect, --help ---


def test_the_live_schema_is_printed_as_sql_that_recreates_it(project: Project, live: str) -> None:
    ran = project.run("inspect", env="live")
    assert ran.code == 0
    assert ran.out == project.run("inspect", env="live", format="sql").out
    with scratch_database() as url:
        execute(url, ran.out)
        assert diff(read_schema(live), read_schema(url)) == []


def test_the_live_schema_is_printed_for_programs(project: Project, live: str) -> None:
    printed = project.run("inspect", env="live", format="json")
    assert printed.code == 0
    [schema] = json.loads(printed.out)["schemas"]
    assert [table["name"] for table in schema["tables"]] == ["users"]
    hcl = project.run("inspect", env="live", format="hcl")
    assert hcl.code == 0
    assert 'table "users" {' in hcl.out


def test_a_form_that_there_is_not_names_those_that_there_are(project: Project, live: str) -> None:
    ran = project.run("inspect", env="live", format="xml")
    assert ran.code == 1
    assert "sql, json, hcl" in ran.err


@pytest.mark.parametrize("by_hand", ["local", "production"])
def test_atlas_by_hand_means_the_same_files_and_revisions_as_the_commands(
    project: Project, live: str, by_hand: str
) -> None:
    def status(*command: str) -> str:
        done = run(*command, at=project.folder, env=environment(DATABASE_URL=live))
        assert done.returncode == 0, done.stderr
        return done.stdout

    ours = command_line("migrate", "status")
    typed = (str(atlas_binary()), "migrate", "status", "--env", by_hand)
    assert status(*typed) == status(*ours)
    assert project.run("down", env="live", yes=True).code == 0
    assert status(*typed) == status(*ours)
    assert "PENDING" in status(*ours)


def test_every_environment_of_atlas_hcl_has_the_same_migrations() -> None:
    text = (TREE / "atlas.hcl").read_text(encoding="utf-8")
    blocks = re.findall(r"^  migration \{.*?^  \}", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == text.count('\nenv "') > 1
    assert len(set(blocks)) == 1


def test_checksums_are_those_that_atlas_writes(project: Project) -> None:
    odd = {
        "20260105000000_ünïcode.sql": "SELECT 'ünï';\r\n",
        "20260106000000_empty.sql": "",
        ".hidden.sql": "SELECT 1;",
        "z.sql": "-- atlas:txmode none\n\nSELECT 1;\n",
    }
    for name, text in odd.items():
        (project.migrations / name).write_bytes(text.encode())
    assert project.run("hash").code == 0
    written = (project.migrations / "atlas.sum").read_bytes()
    assert checksums(read_files()) == written
    (project.migrations / "z.sql").write_text("SELECT 2;\n")
    assert checksums(read_files()) != written
    assert project.run("check").code == 4


def test_a_directive_about_checksums_is_for_atlas_to_read(project: Project) -> None:
    ignored = project.migrations / "20260105000000_ignored.sql"
    ignored.write_text("-- atlas:sum ignore\n\nSELECT 1;\n")
    assert project.run("hash").code == 0
    ignored.write_text("-- atlas:sum ignore\n\nSELECT 2;\n")
    require_checksums(read_files())


@pytest.mark.parametrize(
    ("statements", "left_out"),
    {
        "CREATE TABLE t (a int)": ["--no-security-labels", "--no-comments"],
        "DROP SCHEMA public": ["--no-security-labels"],
        "COMMENT ON SCHEMA public IS NULL": ["--no-security-labels"],
        "COMMENT ON SCHEMA public IS 'ours'": ["--no-security-labels"],
        "CREATE TABLE t (a int); COMMENT ON COLUMN t.a IS 'x'": ["--no-security-labels"],
        "CREATE EXTENSION pg_trgm": ["--no-security-labels", "--no-comments"],
        "DROP SCHEMA public; CREATE SCHEMA public": ["--no-security-labels"],
    }.items(),
)
def test_only_what_is_not_there_is_left_out_of_a_dump(
    project: Project, statements: str, left_out: list[str]
) -> None:
    with scratch_database() as url:
        execute(url, statements)
        assert [option for (option,) in execute(url, ABSENT)] == left_out
        with patch("modelmigrate.schema.dump.ABSENT", "SELECT WHERE false"):
            with_all = read_schema(url)
        assert read_schema(url) == with_all
