"""Pictures of schemas that are really in a PostgreSQL, read from it by a real Atlas."""

import html
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import psycopg
import pytest

from modelmigrate.errors import MigrateError
from modelmigrate.inspect.pages import write_diagrams
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.postgres.server import stop_servers
from tests.conftest import TREE, in_memory

SVG = "{http://www.w3.org/2000/svg}"
# Draws the schema that the SQL makes, and tells where.
Picture = Callable[[str], Path]

THREE = """
CREATE TABLE users (id uuid PRIMARY KEY, username varchar(100) NOT NULL UNIQUE, born date);
CREATE UNIQUE INDEX ON users (lower(username));
CREATE TABLE teams (id uuid PRIMARY KEY, name text NOT NULL, parent_id uuid REFERENCES teams);
CREATE TABLE memberships (
    team_id uuid REFERENCES teams, user_id uuid REFERENCES users, PRIMARY KEY (team_id, user_id)
);
"""
ODD = """
CREATE SCHEMA other;
CREATE TABLE other.elsewhere (id integer PRIMARY KEY);
CREATE TABLE "a ""q"" <b>x</b> & 100% \\" ("order" int PRIMARY KEY, "sp ace" double precision,
    "q""uote" text[], "漢字漢字漢字漢字" timestamp(3) with time zone UNIQUE, "1st" interval, "a|*b*" inet);
CREATE TABLE style ("pk" int PRIMARY KEY, class int REFERENCES "a ""q"" <b>x</b> & 100% \\",
    "end" int REFERENCES other.elsewhere);
CREATE TABLE "a/../../b" (id int);
CREATE TABLE "A/../../b" (id int);
CREATE TABLE "user" ();
"""


class Rectangle(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Rectangle") -> bool:
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    """A folder, open to the server's user, with what makes it a project."""
    folder = Path(tempfile.mkdtemp(prefix="viz-tests-", dir=in_memory()))
    folder.chmod(0o755)
    shutil.copy(TREE / "atlas.hcl", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder
        stop_servers()
    shutil.rmtree((folder / ".postgres").resolve(), ignore_errors=True)
    shutil.rmtree(folder)


@pytest.fixture
def picture(project: Path, tmp_path: Path) -> Picture:
    """Draw what the SQL makes; always into the same folder."""

    def draw(sql: str) -> Path:
        with scratch_database() as url:
            with psycopg.connect(url) as connection:
                connection.execute(sql.encode())
            written = write_diagrams(url, tmp_path / "docs")
        assert all(path.is_file() for path in written)
        return tmp_path / "docs"

    return draw


def sixty(columns: int) -> str:
    """Tables of every kind: a hub, a chain, circles, pairs, loners."""
    made = []
    for i in range(60):
        ends = {f"t{i // 3}", "t0"} if i % 4 == 1 else {f"t{i - 1}"} if i % 4 == 2 else {f"t{i}"}
        ends = set() if i > 45 else ends
        fields = [f"a_rather_long_name_{n} timestamp with time zone" for n in range(columns)]
        keys = [f"{end}_id integer REFERENCES {end}" for end in sorted(ends)]
        columns_of = ["id integer PRIMARY KEY", *keys, *fields]
        made.append(f"CREATE TABLE t{i} ({', '.join(columns_of)});")
    return "\n".join(made)


def elements(svg: Path, kind: str) -> list[tuple[ElementTree.Element, float, float]]:
    """The groups of a class, each with how far it was moved."""
    found = []

    def walk(element: ElementTree.Element, x: float, y: float) -> None:
        if moved := re.findall(r"[\d.]+", element.get("transform", "")):
            x, y = x + float(moved[0]), y + float(moved[1])
        if kind in element.get("class", "").split():
            found.append((element, x, y))
        for child in element:
            walk(child, x, y)

    walk(ElementTree.parse(svg).getroot(), 0, 0)  # noqa: S314
    return found


def boxes(svg: Path) -> list[Rectangle]:
    return [rectangle(*found) for found in elements(svg, "box")]


def rectangle(element: ElementTree.Element, x: float, y: float) -> Rectangle:
    numbers = (float(element.attrib[name]) for name in ("x", "y", "width", "height"))
    left, top, width, height = numbers
    return Rectangle(x + left, y + top, x + left + width, y + top + height)


def texts(svg: Path) -> list[list[str]]:
    """What stands in each box; proves that it fits, even in a wide font."""
    said = []
    for group, x, y in elements(svg, "table"):
        around = rectangle(next(group.iter(f"{SVG}rect")), x, y)
        spans = []
        for text in group.iter(f"{SVG}text"):
            content = text.text or ""
            letter = 6.1 if "mark" in text.attrib["class"] else 7.3
            width = letter * sum(1 if ord(each) < 0x1100 else 2 for each in content)
            start, base = x + float(text.attrib["x"]), y + float(text.attrib["y"])
            left = start - width if text.get("text-anchor") == "end" else start
            spans.append(Rectangle(left, base - 9, left + width, base + 3))
            assert around.left < left and left + width < around.right, content  # noqa: PT018
            assert around.top < base - 9 and base + 3 < around.bottom, content  # noqa: PT018
        assert not [pair for pair in combinations(spans, 2) if pair[0].meets(pair[1])]
        said.append([text.text or "" for text in group.iter(f"{SVG}text")])
    return said


def references(svg: Path) -> set[str]:
    """What the lines say of themselves; proves that none runs over a box."""
    told = set()
    around = boxes(svg)
    for group, x, y in elements(svg, "line"):
        path = next(group.iter(f"{SVG}path")).attrib["d"]
        route = re.match(r"M[^M]*", path)
        assert route
        numbers = re.findall(r"[MLQ](?:[-\d.]+ [-\d.]+ )?([-\d.]+) ([-\d.]+)", route[0])
        points = [(x + float(across), y + float(down)) for across, down in numbers]
        for (ax, ay), (bx, by) in pairwise(points):
            step = Rectangle(min(ax, bx), min(ay, by), max(ax, bx) + 0.1, max(ay, by) + 0.1)
            inside = [box for box in around if step.meets(box)]
            assert all(step.right <= box.left + 1 or step.left >= box.right - 1 for box in inside)
        told.add(next(group.iter(f"{SVG}title")).text or "")
    return told


def neat(svg: Path) -> None:
    """No two boxes touch, all is in the picture, and the picture fits a screen."""
    root = ElementTree.parse(svg).getroot()  # noqa: S314
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    drawn = boxes(svg)
    assert not [pair for pair in combinations(drawn, 2) if pair[0].meets(pair[1])]
    assert all(box.left >= 0 and box.right <= width for box in drawn)
    assert all(box.top >= 0 and box.bottom <= height for box in drawn)
    assert 1 / 3 < width / height < 3


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_three_tables_are_drawn_whole_with_keys_types_and_references(picture: Picture) -> None:
    svg = picture(THREE) / "schema.svg"
    neat(svg)
    assert sorted(texts(svg)) == [
        ["memberships", "PK FK", "team_id", "uuid", "PK FK", "user_id", "uuid"],
        ["teams", "PK", "id", "uuid", "name", "text", "FK", "parent_id", "uuid?"],
        ["users", "PK", "id", "uuid", "UK", "username", "varchar(100)", "born", "date?"],
    ]
    assert references(svg) == {
        "memberships (team_id) refers to teams (id)",
        "memberships (user_id) refers to users (id)",
        "teams (parent_id) refers to teams (id)",
    }


def test_mermaid_tells_how_many_rows_may_refer_to_one(picture: Picture) -> None:
    folder = picture(
        THREE + "CREATE TABLE profiles (user_id uuid PRIMARY KEY REFERENCES users, friend uuid"
        " UNIQUE REFERENCES users);"
    )
    text = (folder / "schema.mmd").read_text(encoding="utf-8")
    for line in (
        '"teams" |o--o{ "teams" : "parent_id"',
        '"teams" ||--o{ "memberships" : "team_id"',
        '"users" ||--o| "profiles" : "user_id"',
        '"users" |o--o| "profiles" : "friend"',
        "uuid team_id PK, FK",
        "varchar(100) username UK",
    ):
        assert f"    {line}\n" in text
    assert f"```mermaid\n{text}```" in (folder / "index.md").read_text(encoding="utf-8")


def test_a_table_is_drawn_with_its_neighbours_and_no_others(picture: Picture) -> None:
    folder = picture(THREE)
    users = folder / "tables" / "users.svg"
    assert {names[0] for names in texts(users)} == {"users", "memberships"}
    assert references(users) == {"memberships (user_id) refers to users (id)"}
    assert '"teams"' not in (folder / "tables" / "users.mmd").read_text(encoding="utf-8")


@pytest.mark.parametrize("columns", [0, 12])
def test_sixty_tables_are_readable(picture: Picture, columns: int) -> None:
    folder = picture(sixty(columns))
    svg = folder / "schema.svg"
    neat(svg)
    said = texts(svg)
    assert len(said) == 60
    assert len(references(svg)) == sixty(columns).count("REFERENCES")
    assert all((f"+ {columns} more" in names) == bool(columns) for names in said)
    for each in folder.glob("tables/*.svg"):
        neat(each)
        texts(each)
        references(each)


def test_every_name_is_shown_as_it_is_and_breaks_nothing(picture: Picture) -> None:
    folder = picture(ODD)
    name = 'a "q" <b>x</b> & 100% \\'
    said = texts(folder / "schema.svg")
    assert [name in names for names in said].count(True) == 1
    assert {"sp ace", 'q"uote', "漢字漢字漢字漢字", "1st", "a|*b*"} <= {
        n for each in said for n in each
    }
    assert ["other.elsewhere", "PK", "id", "integer"] in said
    assert len(list(folder.glob("tables/*.svg"))) == 6
    assert len({path.name.casefold() for path in folder.glob("tables/*")}) == 12
    text = (folder / "schema.mmd").read_text(encoding="utf-8")
    assert '"a #34;q#34; #60;b#62;x#60;/b#62; #38; 100#37; #92;" {' in text
    assert 'integer _pk PK "pk"' in text
    assert "<b>" not in (folder / "index.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", (folder / "index.md").read_text(encoding="utf-8")):
        assert (folder / re.sub("%(..)", lambda code: chr(int(code[1], 16)), link)).exists()


def test_types_are_printed_as_postgresql_knows_them(picture: Picture) -> None:
    types = {
        "citext": "citext",
        "citext[]": "citext[]",
        "varchar(40)": "varchar(40)",
        "varchar(40)[]": "varchar(40)[]",
        "mood": "mood",
        "mood[]": "mood[]",
        "short": "short",
        "other.kind": "other.kind",
        "timestamp(3) with time zone": "timestamptz(3)",
        "timestamp": "timestamp",
        "numeric(10,2)": "numeric(10,2)",
        "char(3)": "char(3)",
        "int": "integer",
    }
    columns = ", ".join(f"c{n} {each} NOT NULL" for n, each in enumerate(types))
    folder = picture(
        "CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN short AS varchar(5);"
        f"CREATE SCHEMA other; CREATE TYPE other.kind AS ENUM ('b'); CREATE TABLE t ({columns});"
    )
    [drawn] = texts(folder / "schema.svg")
    assert drawn[2::2] == list(types.values())
    text = (folder / "schema.mmd").read_text(encoding="utf-8")
    assert "varchar(40)[] c3\n" in text
    assert "mood c4\n" in text


def test_composite_keys_and_several_references_to_one_table_are_told_apart(
    picture: Picture,
) -> None:
    folder = picture(
        "CREATE TABLE tree (a int, b int, up_a int, up_b int, PRIMARY KEY (b, a),"
        " FOREIGN KEY (up_b, up_a) REFERENCES tree);"
        "CREATE TABLE leaf (a int NOT NULL, b int NOT NULL, c int NOT NULL,"
        " FOREIGN KEY (a, b) REFERENCES tree, FOREIGN KEY (a, c) REFERENCES tree, UNIQUE (a, c));"
    )
    # Drawn from one column, two lines would look like one.
    assert references(folder / "schema.svg") == {
        "tree (up_b, up_a) refers to tree (b, a)",
        "leaf (a, b) refers to tree (b, a)",
        "leaf (a, c) refers to tree (b, a)",
    }
    starts = [
        next(group.iter(f"{SVG}path")).attrib["d"].partition("L")[0]
        for group, _, _ in elements(folder / "schema.svg", "line")
    ]
    assert len(set(starts)) == 3
    text = (folder / "schema.mmd").read_text(encoding="utf-8")
    assert '"tree" ||--o{ "leaf" : "a, b"' in text
    assert '"tree" ||--o| "leaf" : "a, c"' in text


def test_without_references_tables_stand_in_a_grid(picture: Picture) -> None:
    svg = picture("\n".join(f"CREATE TABLE t{i} (id int);" for i in range(12))) / "schema.svg"
    neat(svg)
    drawn = boxes(svg)
    assert len({box.left for box in drawn}) * len({box.top for box in drawn}) == 12


def test_a_picture_stands_alone_in_light_and_dark(picture: Picture) -> None:
    text = (picture(THREE) / "schema.svg").read_text(encoding="utf-8")
    assert "prefers-color-scheme:dark" in text
    assert '<title id="title">Schema</title>' in text
    assert "teams (parent_id) refers to teams (id)" in text.partition("</desc>")[0]
    assert set(re.findall(r"https?://[^\"]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|@import|url\(|<image|<foreignObject", text)


def test_the_page_lists_what_stands_beside_the_tables(picture: Picture) -> None:
    assert "beside" not in (picture(THREE) / "index.md").read_text(encoding="utf-8")
    folder = picture(
        f"{THREE} CREATE VIEW names AS TABLE users; CREATE EXTENSION pg_trgm;"
        " CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql AS 'VALUES (2 * x)';"
    )
    page = (folder / "index.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| (.*) \|$", page.partition("beside")[2], re.MULTILINE)
    assert [(kind, html.unescape(name)) for kind, name in rows] == [
        ("extension", "pg_trgm"),
        ("function", "public.twice(integer)"),
        ("view", "public.names"),
    ]


def test_the_same_schema_gives_the_same_bytes_and_touches_no_file(picture: Picture) -> None:
    folder = picture(THREE)
    first = content(folder)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}
    memberships = THREE[THREE.index("CREATE TABLE memberships") :]
    picture(f"{THREE} DROP TABLE memberships; {memberships}")
    assert content(folder) == first
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")} == times


def test_pictures_of_dropped_tables_go_and_the_files_of_others_stay(picture: Picture) -> None:
    folder = picture(THREE)
    for name in ("tables/mine.svg", "tables/notes.md", "mine.mmd"):
        (folder / name).write_text("mine", encoding="utf-8")
    picture("CREATE TABLE users (id int);")
    assert set(content(folder)) == {
        "index.md", "schema.mmd", "schema.svg", "mine.mmd",
        "tables/users.mmd", "tables/users.svg", "tables/mine.svg", "tables/notes.md",
    }  # fmt: skip


def test_a_file_that_was_not_generated_is_not_overwritten(picture: Picture) -> None:
    folder = picture(THREE)
    (folder / "index.md").write_text("mine", encoding="utf-8")
    before = content(folder)
    with pytest.raises(MigrateError, match=r"index\.md\nNo file was written\. Move that elsewhere"):
        picture("CREATE TABLE other (id int);")
    assert content(folder) == before


def test_an_empty_schema_is_an_error_that_names_the_cure(picture: Picture, tmp_path: Path) -> None:
    with pytest.raises(MigrateError, match=r"no tables, so nothing was drawn.*modelmigrate apply"):
        picture("SELECT 1")
    assert not (tmp_path / "docs").exists()
