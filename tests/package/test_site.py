"""The documentation of a schema: what its pages say, and when they are written."""

import html
import json
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmigrate.errors import Exit
from tests.package.harness import Project, project_of

FIRST = "20260101000000_first"
BIO = "20260102000000_bio_and_nick"
RENAMED = "20260103000000_renamed"
LAST = "20260104000000_last"
FILES = {
    FIRST: """\
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TABLE teams (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (
    id integer PRIMARY KEY,
    name varchar(40),
    mood mood,
    team_id integer REFERENCES teams,
    gone text
);
CREATE INDEX ON users (team_id);
COMMENT ON TABLE users IS 'People who log in';
COMMENT ON COLUMN users.id IS 'Given by us';
""",
    BIO: """\
ALTER TABLE users ADD bio text, ADD nick text;
ALTER TABLE users ALTER name TYPE text;
""",
    RENAMED: """\
-- lint:allow rename-table agreed with everybody
ALTER TABLE users RENAME TO people;
-- lint:allow rename-column agreed with everybody
ALTER TABLE people RENAME nick TO handle;
CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';
CREATE VIEW names AS SELECT id, shout(name) AS name FROM people;
""",
    LAST: """\
ALTER TABLE people ALTER handle SET DEFAULT 'none', DROP gone;
ALTER TABLE people ADD CONSTRAINT named CHECK (name <> '');
ALTER TYPE mood ADD VALUE 'glad';
CREATE OR REPLACE VIEW names AS SELECT id, shout(name) AS name FROM people WHERE id > 0;
""",
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Project]:
    with project_of("shop") as made:
        write(made, FILES)
        ran = made.run("docs")
        assert ran.code == 0, ran.said
        yield made


@pytest.fixture
def site(shared: Project) -> Iterator[Project]:
    """The project of these migrations, with its site; both are put back."""
    kept = shared.folder / "kept"
    for name in ("migrations", "site", ".cache"):
        shutil.copytree(shared.folder / name, kept / name)
    yield shared
    for name in ("migrations", "site", ".cache"):
        shutil.rmtree(shared.folder / name, ignore_errors=True)
        (kept / name).rename(shared.folder / name)
    shutil.rmtree(kept)


def write(project: Project, files: dict[str, str]) -> None:
    for name, text in files.items():
        project.add(name, text)


def page(project: Project, name: str) -> str:
    return (project.folder / "site/schema" / f"{name}.html").read_text(encoding="utf-8")


def text_of(markup: str) -> str:
    """What is seen of it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def row(markup: str, name: str) -> list[str]:
    """The cells of the row that begins with this name."""
    for found in re.findall(r"<tr.*?</tr>", markup, re.DOTALL):
        cells = [text_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", found, re.DOTALL)]
        if cells[0] == name:
            return cells
    raise AssertionError(f"no row {name} in {text_of(markup)}")


def section(markup: str, anchor: str) -> str:
    return re.split(r"<h2|</section>", markup.partition(f'id="{anchor}"')[2])[0]


def content(project: Project) -> dict[str, bytes]:
    folder = project.folder / "site/schema"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# --- what the pages say ---


def test_a_column_has_its_type_default_keys_comment_and_migrations(shared: Project) -> None:
    people = page(shared, "tables/public.people")
    first, bio, renamed, last = (name[:14] for name in FILES)
    assert row(people, "id") == ["id", "integer", "", "", "PK", "Given by us", first]
    assert row(people, "mood")[1:] == ["mood", "yes", "", "", "", first]
    assert row(people, "team_id")[4:] == ["FK", "", first]
    assert row(people, "bio")[-1] == bio
    assert row(people, "name")[1::5] == ["text", f"{first} , changed {bio}"]
    assert row(people, "handle")[3::3] == ["'none'::text", f"{bio} , changed {last}"]
    assert "gone" not in text_of(section(people, "columns"))
    assert f"Migrations {first} , changed {last}" in text_of(people)
    assert "People who log in" in text_of(people)
    assert renamed in text_of(section(page(shared, "migrations"), "content"))


def test_a_table_has_its_constraints_indexes_neighbours_and_readers(shared: Project) -> None:
    people, teams = page(shared, "tables/public.people"), page(shared, "tables/public.teams")
    foreign = row(section(people, "constraints"), "users_team_id_fkey")
    assert foreign[1] == "FOREIGN KEY (team_id) REFERENCES public.teams(id) → teams"
    assert row(section(people, "constraints"), "named")[-1] == LAST[:14]
    assert row(section(people, "indexes"), "users_team_id_idx")[-1] == FIRST[:14]
    assert text_of(section(teams, "referenced-by")).endswith("people , users_team_id_fkey")
    assert 'href="../tables/public.people.html"' in section(teams, "neighbours")
    assert "Read by names" in text_of(people)
    assert "CREATE TABLE public.people" in people


def test_a_view_has_its_columns_its_sql_and_what_it_reads(shared: Project) -> None:
    names = page(shared, "tables/public.names")
    assert text_of(names.partition("<h1>")[2]).startswith("names Migrations")
    assert f"Migrations {RENAMED[:14]} , changed {LAST[:14]}" in text_of(names)
    assert "Reads people" in text_of(names)
    assert row(names, "name")[1] == "text"
    assert "CREATE VIEW public.names" in names


def test_functions_and_types_have_their_sql_and_their_migrations(shared: Project) -> None:
    routines, types = text_of(page(shared, "routines")), text_of(page(shared, "types"))
    assert f"shout(text) Returns text Migrations {RENAMED[:14]}" in routines
    assert "CREATE FUNCTION public.shout(text)" in routines
    assert f"calm cross glad {FIRST[:14]} , changed {LAST[:14]}" in types


def test_the_timeline_tells_what_each_migration_did_and_whether_it_can_be_rolled_back(
    site: Project,
) -> None:
    down = site.migrations / "down"
    down.mkdir()
    (down / f"{LAST}.sql").write_text("-- irreversible: a value cannot be dropped\n")
    (down / f"{BIO}.sql").write_text("-- Not restored: the values of users.bio.\n\nSELECT 1;\n")
    (down / f"{FIRST}.sql").write_text("DROP TABLE users;\n")
    assert site.run("docs").code == 0
    lines = [text_of(each) for each in page(site, "migrations").split("<li>")[1:]]
    ways = ["irreversible", "no down migration", "with losses", "reversible"]
    for line, name, way in zip(lines, reversed(FILES), ways, strict=True):
        assert name[:14] in line
        assert re.search(rf"\d {way}\b", line), line
    assert "added constraint people.named" in lines[0]
    assert "dropped column people.gone" in lines[0]
    assert "1 error" in lines[0]
    assert "renamed column people.handle" in lines[1]
    assert "error" not in lines[1]  # all of them are allowed
    renamed = text_of(page(site, f"migrations/{RENAMED}"))
    assert "renamed table people , which was users" in renamed
    assert "allowed line 2, rename-table" in renamed
    assert "Reason: agreed with everybody" in renamed
    last = text_of(page(site, f"migrations/{LAST}"))
    assert "error line 1, drop-column" in last
    assert "ALTER TYPE mood ADD VALUE 'glad';" in last
    assert "Not restored: the values of users.bio." in text_of(page(site, f"migrations/{BIO}"))


def test_changes_begin_with_the_newest_create_or_after_a_version(site: Project) -> None:
    changes = text_of(page(site, "changes"))
    assert f"since migration {RENAMED[:14]} : 3 objects" in changes
    assert "changed VIEW public.names" in changes
    assert "+handle text DEFAULT 'none'::text" in changes
    assert "-gone text" in changes
    assert site.run("docs", since=FIRST[:14]).code == 0
    changes = text_of(page(site, "changes"))
    assert "dropped TABLE public.users" in changes
    assert "added FUNCTION public.shout(text)" in changes
    ran = site.run("docs", since="20250101000000")
    assert ran.code == Exit.ERROR
    assert "there is no migration 20250101000000. No file was written." in ran.err
    assert LAST[:14] in ran.err


ODDITIES = """
CREATE TABLE keyless (n integer REFERENCES teams, m integer);
CREATE INDEX one ON keyless (m); CREATE INDEX two ON keyless (m); CREATE INDEX three ON keyless (m, n);
CREATE INDEX part ON keyless (n) WHERE m > 0;
CREATE TABLE pairs (a integer, b integer, PRIMARY KEY (b, a), moods mood[]);
ALTER TABLE pairs ADD FOREIGN KEY (a, b) REFERENCES pairs;
CREATE TYPE left_over AS ENUM ('x'); CREATE DOMAIN unused AS text; CREATE DOMAIN used AS text;
CREATE FUNCTION takes(used) RETURNS void LANGUAGE sql AS '';
"""


def test_what_looks_like_a_mistake_is_listed_and_nothing_else(site: Project) -> None:
    site.add("20260105000000_oddities", ODDITIES)
    assert site.run("docs").code == 0
    anomalies = page(site, "anomalies")
    found = {
        anchor: [text_of(each) for each in section(anomalies, anchor).split("<li>")[1:]]
        for anchor in (
            *("no-primary-key", "unindexed-foreign-key", "duplicate-index", "unused-type"),
            "no-comment",
        )
    }
    assert found == {
        "no-primary-key": ["keyless"],
        "unindexed-foreign-key": ["keyless : keyless_n_fkey"],
        "duplicate-index": ["keyless : one, two"],
        "unused-type": ["left_over", "unused"],
        "no-comment": ["keyless", "pairs", "teams"],
    }
    assert "no primary key" in text_of(page(site, "tables/public.keyless"))
    assert row(anomalies, "people")[1:] == ["2 of 7", "28 %"]


MODELS = """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase): ...


class Person(Base):
    \"\"\"Who logs in.

    More of it.\"\"\"

    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    screen_name: Mapped[str] = mapped_column("handle")
"""
SETTINGS = '[project]\nname = "shop"\n[tool.modelmigrate]\nmodels = "models:Base"\nsource = "."\n'


def test_a_table_names_its_class_its_file_and_what_columns_are_called_there(site: Project) -> None:
    settings = site.folder / "pyproject.toml"
    before = settings.read_text(encoding="utf-8")
    models = site.folder / "models.py"
    try:
        settings.write_text(SETTINGS, encoding="utf-8")
        models.write_text(MODELS, encoding="utf-8")
        assert site.run("docs").code == 0
        people = text_of(page(site, "tables/public.people"))
        assert "Class models.Person in models.py Who logs in. Migrations" in people
        assert "handle in the class: screen_name" in people
        models.write_text("import missing\n", encoding="utf-8")
        ran = site.run("docs")
        assert ran.code == Exit.ERROR
        assert "models.py: cannot be imported: ModuleNotFoundError" in ran.err
        assert "Traceback" not in ran.err
    finally:
        settings.write_text(before, encoding="utf-8")
        models.unlink()


# --- how the history is seen ---


def test_only_new_migrations_are_run_and_what_was_kept_changes_nothing(site: Project) -> None:
    whole = content(site)
    records = site.folder / ".cache/modelmigrate/records.json"
    half = json.dumps(dict([*json.loads(records.read_text(encoding="utf-8")).items()][:2]))
    for text in (half, "no JSON", '{"a": 1}', "[]"):
        records.write_text(text, encoding="utf-8")
        assert site.run("docs").code == 0
        assert content(site) == whole
    site.add("20260105000000_next", "ALTER TABLE teams ADD motto text;")
    assert site.run("docs").code == 0
    step_by_step = content(site)
    shutil.rmtree(records.parent)
    assert site.run("docs").code == 0
    assert content(site) == step_by_step
    assert row(page(site, "tables/public.teams"), "motto")[-1] == "20260105000000"
    assert (records.parent / ".gitignore").read_text() == "*\n"


def test_a_migration_that_only_atlas_can_run_is_told_all_the_same(site: Project) -> None:
    site.add(
        "20260105000000_picky",
        "DO $$ BEGIN IF current_setting('application_name') = 'modelmigrate'"
        " THEN RAISE 'not for you'; END IF; END $$;\nALTER TABLE teams ADD motto text;\n",
    )
    site.add("20260106000000_next", "ALTER TABLE teams RENAME motto TO slogan;")
    ran = site.run("docs")
    assert ran.code == 0, ran.said
    slogan = row(page(site, "tables/public.teams"), "slogan")
    assert slogan[-1] == "20260105000000 , renamed 20260106000000"


def test_what_is_dropped_and_made_again_begins_again(site: Project) -> None:
    site.add(
        "20260105000000_swap",
        "ALTER TABLE people RENAME bio TO old; ALTER TABLE people ADD bio int;",
    )
    site.add("20260106000000_drop", "ALTER TABLE people DROP handle; DROP TABLE teams CASCADE;")
    site.add(
        "20260107000000_again", "ALTER TABLE people ADD handle text; CREATE TABLE teams (id int);"
    )
    assert site.run("docs").code == 0
    people = page(site, "tables/public.people")
    assert row(people, "old")[-1] == f"{BIO[:14]} , renamed 20260105000000"
    assert row(people, "bio")[-1] == "20260105000000"
    assert row(people, "handle")[-1] == "20260107000000"
    assert row(page(site, "tables/public.teams"), "id")[-1] == "20260107000000"
    assert "users_team_id_fkey" not in people


# --- when it is written ---


def test_a_site_is_up_to_date_until_something_changes(site: Project) -> None:
    fresh = site.run("docs", check=True)
    assert fresh.code == 0, fresh.said
    assert "site/schema is up to date" in fresh.out
    before = content(site)
    site.add("20260105000000_next", "ALTER TABLE teams ADD motto text;")
    stale = site.run("docs", check=True)
    assert stale.code == Exit.DRIFT
    assert (
        "site/schema is not what the migrations and models say. Nothing was changed." in stale.err
    )
    assert "tables/public.teams.html" in stale.err
    assert "Write it again: make schema-docs" in stale.err
    assert content(site) == before
    assert site.run("docs").code == 0
    assert site.run("docs", check=True).code == 0
    index = site.folder / "site/schema/index.html"
    index.write_text(index.read_text().replace("teams", "Teams"))
    (site.folder / "site/schema/tables/public.old.html").write_bytes(index.read_bytes())
    edited = site.run("docs", check=True)
    assert edited.code == Exit.DRIFT
    assert "2 files differ:\n  index.html\n  tables/public.old.html\n" in edited.err
    shutil.rmtree(site.folder / "site")
    assert site.run("docs", check=True).code == Exit.DRIFT
    assert not (site.folder / "site").exists()


def test_pages_of_what_was_dropped_go_and_files_of_others_stay(site: Project) -> None:
    mine = site.folder / "site/schema/tables/mine.html"
    mine.write_text("mine", encoding="utf-8")
    site.add("20260105000000_drop", "DROP VIEW names;")
    assert site.run("docs").code == 0
    assert mine.read_text() == "mine"
    assert not (site.folder / "site/schema/tables/public.names.html").exists()
    assert site.run("docs", check=True).code == 0
    (site.folder / "site/schema/index.html").write_text("mine", encoding="utf-8")
    before = content(site)
    ran = site.run("docs")
    assert ran.code == Exit.ERROR
    assert "not generated by make schema-docs" in ran.err
    assert "No file was written." in ran.err
    assert content(site) == before


def test_a_pipeline_can_ask_for_comments(site: Project) -> None:
    ran = site.run("docs", comments="80")
    assert ran.code == Exit.REFUSED
    assert "20 % of tables and columns have a comment, not 80 %. The site was written." in ran.err
    assert "  teams\n  teams.id\n" in ran.err
    assert site.run("docs", comments="20", check=True).code == 0
    assert site.run("docs", comments="101").code == Exit.ERROR


def test_another_machine_writes_the_same_bytes(site: Project) -> None:
    with project_of("shop") as other:
        write(other, FILES)
        assert other.run("docs").code == 0
        assert content(other) == content(site)
    written = b"".join(content(site).values()).decode()
    for told in (str(site.folder), str(Path.home()), "/tmp", time.strftime("%Y-%m-%d")):  # noqa: S108
        assert told not in written


def test_what_is_missing_is_said_with_its_cure(
    site: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(site)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "jinja2", None)
        ran = site.run("docs")
    assert ran.code == Exit.ERROR
    assert "Jinja, which is not installed. No file was written." in ran.err
    assert "modelmigrate[docs]" in ran.err
    site.add("20260105000000_broken", "ALTER TABLE nowhere ADD x int;")
    ran = site.run("docs")
    assert ran.code == Exit.ERROR
    assert 'relation "nowhere" does not exist' in ran.err
    for file in (*site.migrations.glob("*.sql"), site.migrations / "atlas.sum"):
        file.unlink()
    ran = site.run("docs")
    assert ran.code == Exit.ERROR
    assert "there is no migration yet" in ran.err
    assert content(site) == before
