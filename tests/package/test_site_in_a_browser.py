"""The documentation of a schema in a real browser, opened from files: small, large and hostile."""

import re
import shutil
import time
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page, expect

from modelmigrate.atlas.directory import read_migrations
from modelmigrate.inspect.site.contents import read_contents
from modelmigrate.inspect.site.pages import site_files
from tests.package.harness import Project, project_of

THREE = """
CREATE TABLE teams (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY, nick text UNIQUE);
CREATE TABLE memberships (
    team_id integer REFERENCES teams, user_id integer REFERENCES users, PRIMARY KEY (team_id, user_id)
);
COMMENT ON TABLE users IS 'People who log in';
CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql AS 'SELECT upper($1)';
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE VIEW names AS SELECT nick FROM users;
"""
# In two schemas, with a hub that every table refers to, and areas of their own.
MANY = """
CREATE SCHEMA sales;
CREATE TABLE hub (id integer PRIMARY KEY);
DO $$ BEGIN FOR i IN 0..{last} LOOP
    EXECUTE format('CREATE TABLE %s (id integer PRIMARY KEY, hub_id integer REFERENCES hub, %s, {columns})',
        name(i), CASE WHEN i % 7 = 0 THEN 'own integer'
                 ELSE format('area_id integer REFERENCES %s', name(i - i % 7)) END);
END LOOP; END $$;
"""
NAME = (
    "CREATE FUNCTION name(i integer) RETURNS text LANGUAGE sql AS"
    " $$SELECT CASE WHEN i / 7 % 3 = 0 THEN 'sales.' ELSE '' END || 'table_' || i$$;"
)
COLUMNS = ", ".join(f"column_{n} text DEFAULT 0" for n in range(10))
RUN = "<img src=x onerror=document.title=1>"
LONG = "\N{HEBREW LETTER SHIN}" * 31 + "x"  # 63 bytes, read from right to left
HOSTILE = f"""
CREATE SCHEMA "a.b ""c"" d";
CREATE TABLE "{RUN}" ("<b>id</b>" integer PRIMARY KEY, "]]></script>" text DEFAULT '{RUN[:20]}',
    "a'b""c\\d" integer);
CREATE TABLE "a.b ""c"" d"."{LONG}" ("{LONG}" integer PRIMARY KEY REFERENCES "{RUN}");
CREATE TABLE "constructor" ("__proto__" integer, "%s" text, "{{{{ 7 * 7 }}}}" text);
CREATE TABLE "con" (id integer); CREATE TABLE "CON" (id integer); CREATE TABLE "../../up" (id integer);
CREATE INDEX "<i>" ON "{RUN}" ("a'b""c\\d") WHERE "]]></script>" <> '<script>';
CREATE TYPE "<mood>" AS ENUM ('</code><script>document.title = 1</script>', '"', '\N{RIGHT-TO-LEFT OVERRIDE}x');
CREATE FUNCTION "<f>"("<arg>" text) RETURNS text LANGUAGE sql AS $$SELECT '</pre>{RUN}'$$;
CREATE VIEW "</title>" AS SELECT * FROM "{RUN}";
COMMENT ON TABLE "{RUN}" IS '</p><script>document.title = 1</script> \N{RIGHT-TO-LEFT OVERRIDE}
second line, a very {"long" * 100} word';
COMMENT ON COLUMN "{RUN}"."<b>id</b>" IS '{RUN}';
COMMENT ON FUNCTION "<f>"(text) IS '{RUN}';
"""  # noqa: S608 that is what it looks like


def many(count: int) -> str:
    return NAME + MANY.format(last=count - 2, columns=COLUMNS)


@pytest.fixture(scope="module")
def shared() -> Iterator[Project]:
    with project_of("shop") as made:
        yield made


def built(project: Project, folder: Path, sql: str) -> Path:
    """The site of this schema."""
    shutil.rmtree(project.migrations, ignore_errors=True)
    project.add("20260101000000_initial", sql)
    project.add("20260102000000_more", "CREATE TABLE more (id integer);")
    ran = project.run("docs")
    assert ran.code == 0, ran.said
    site = folder / "site"
    shutil.copytree(project.folder / "site/schema", site)
    shutil.rmtree(project.folder / "site")
    return site


@pytest.fixture(scope="module")
def three(shared: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(shared, tmp_path_factory.mktemp("three"), THREE)


@pytest.fixture(scope="module")
def hostile(shared: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(shared, tmp_path_factory.mktemp("hostile"), HOSTILE)


@pytest.fixture(scope="module")
def sixty(shared: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(shared, tmp_path_factory.mktemp("sixty"), many(60))


@pytest.fixture(scope="module")
def five_hundred(shared: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(shared, tmp_path_factory.mktemp("many"), many(500))


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Whatever goes wrong in a page, or is asked of a network, fails the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.on("request", lambda r: problems.extend([r.url] * (not r.url.startswith("file:"))))
    yield page
    context.close()
    assert problems == []


def url(site: Path, name: str) -> str:
    return (site / name).as_uri()


# --- files that lead to each other ---


@pytest.mark.parametrize("size", ["three", "hostile", "sixty", "five_hundred"])
def test_every_link_leads_to_a_place_that_is_there(
    size: str, request: pytest.FixtureRequest
) -> None:
    site: Path = request.getfixturevalue(size)
    names = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    pages = {name: (site / name).read_text(encoding="utf-8") for name in names if "html" in name}
    ids = {name: set(re.findall(r'\bid="([^"]*)"', text)) for name, text in pages.items()}
    search = (site / "search.js").read_text(encoding="utf-8")
    links = {("index.html", found) for found in re.findall(r'", "([^"]+\.html[^"]*)", "', search)}
    assert len(links) >= 10
    for name, text in pages.items():
        links |= {(name, unescape(link)) for link in re.findall(r'(?:href|src)="([^"]*)"', text)}
        assert len(re.findall(r'\bid="', text)) == len(ids[name]), name
    for name, link in links:
        place, _, anchor = unquote(link).partition("#")
        target = normpath(join(dirname(name), place)) if place else name
        assert target in names, f"{name}: {link}"
        assert not anchor or anchor in ids[target], f"{name}: {link}"
    assert len({name.casefold() for name in names}) == len(names)
    assert all(len(name) <= 110 for name in names)


def test_a_page_may_run_no_script_of_anybody_and_asks_no_network(three: Path) -> None:
    for path in three.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "Content-Security-Policy" in text
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=|https?://", text), path


# --- search ---


def test_a_table_is_found_and_opened_by_the_keyboard_alone(page: Page, three: Path) -> None:
    page.goto(url(three, "tables/public.teams.html"))
    page.keyboard.press("/")
    search = page.get_by_role("combobox", name="Search")
    expect(search).to_be_focused()
    page.keyboard.type("user")
    options = page.get_by_role("option")
    expect(options.first).to_have_text("userstable")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"\d+ found"))
    expect(search).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(options.nth(0)).to_have_attribute("aria-selected", "false")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("users")
    assert page.url == url(three, "tables/public.users.html")


def test_columns_functions_values_and_migrations_are_found_too(page: Page, three: Path) -> None:
    page.goto(url(three, "index.html"))
    search = page.get_by_role("combobox", name="Search")
    for typed, shown, place in (
        ("members team", "team_idcolumn, memberships", "public.memberships.html#column-team_id"),
        ("SHOUT", "shout(text)function", "routines.html#function-public.shout"),
        ("mood", "moodtype", "types.html#type-public.mood"),
        ("20260102", "moremigration, 20260102000000", "20260102000000_more.html"),
    ):
        search.fill(typed)
        page.locator("[role=option]", has_text=shown).first.click()
        page.wait_for_url(re.compile(re.escape(place)))
        page.go_back()
    search.fill("no such thing")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text("0 found")
    search.fill("users")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(search).to_have_attribute("aria-expanded", "false")


# --- for everybody ---


def test_landmarks_and_headings_name_what_is_where(page: Page, three: Path) -> None:
    for path in sorted(three.rglob("*.html")):
        page.goto(path.as_uri())
        for role in ("banner", "navigation", "main", "contentinfo", "search"):
            expect(page.get_by_role(role)).to_have_count(1)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        levels = page.locator("h1, h2, h3").evaluate_all("all => all.map(each => +each.tagName[1])")
        assert all(after - before <= 1 for before, after in pairwise(levels)), path
        unnamed = page.locator("a, button, [role=region], figure, section").evaluate_all(
            "all => all.filter(each => !each.textContent.trim() && !each.getAttribute('aria-label')).length"
        )
        assert unnamed == 0, path


def test_the_keyboard_reaches_the_content_and_shows_where_it_is(page: Page, three: Path) -> None:
    page.goto(url(three, "index.html"))
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = page.locator("main a:focus")
    expect(focused).to_have_count(1)
    assert focused.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"


CONTRAST = """
all => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) =>
      v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = (each) => {
    for (; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return "white";
  };
  const poor = new Set();
  for (const each of all) {
    if (![...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const svg = each instanceof SVGElement;
    const style = getComputedStyle(each);
    const box = svg && each.closest("svg") ? getComputedStyle(each.closest("svg").querySelector(".box")).fill : paper(each);
    const [high, low] = [light(svg ? style.fill : style.color), light(box)].sort((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < 4.5) poor.add(`${each.tagName} ${each.className.baseVal ?? each.className}`);
  }
  return [...poor];
}
"""


def test_text_can_be_read_in_light_and_dark(page: Page, three: Path, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    papers = set()
    for path in sorted(three.rglob("*.html")):
        page.goto(path.as_uri())
        papers.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert page.locator("body *:not(title)").evaluate_all(CONTRAST) == [], path
    assert papers == {"rgb(255, 255, 255)" if scheme == "light" else "rgb(17, 24, 39)"}


@pytest.mark.parametrize("width", [320, 1200])
def test_no_page_is_wider_than_its_screen(
    page: Page, three: Path, hostile: Path, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in sorted([*three.rglob("*.html"), *hostile.rglob("*.html")]):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_without_scripts_everything_but_the_search_is_there(browser: Browser, three: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url(three, "index.html"))
    expect(page.get_by_role("combobox")).to_be_hidden()
    page.get_by_role("link", name="users", exact=True).click()
    expect(page.locator("svg.schema")).to_be_visible()
    context.close()


# --- hostile names ---


def test_names_and_comments_are_text_wherever_they_stand(page: Page, hostile: Path) -> None:
    for path in sorted(hostile.rglob("*.html")):
        page.goto(path.as_uri())
        assert page.locator("main img, main b:not(.facts b), main i, main script").count() == 0
        assert page.title().endswith("shop"), path
        page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
    page.goto(url(hostile, "index.html"))
    page.get_by_role("link", name=RUN).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(RUN)
    expect(page.locator(".comment")).to_contain_text("</p><script>document.title = 1</script>")
    expect(page.get_by_role("row", name="<b>id</b>").first).to_contain_text(RUN)
    page.keyboard.press("/")
    page.keyboard.type("<img src=x")
    option = page.get_by_role("option").first
    expect(option.locator("bdi")).to_have_text(RUN)
    page.keyboard.press("Control+A")
    for typed in ("__proto__", "constructor", LONG[:31], "{{ 7 * 7 }}", "../../up"):
        page.get_by_role("combobox").fill(typed)
        expect(page.get_by_role("option").first).to_contain_text(typed)
    page.get_by_role("combobox").fill("con")
    expect(page.get_by_role("option").first).to_have_text("contable")


def test_a_name_from_right_to_left_does_not_turn_what_stands_beside_it(
    page: Page, hostile: Path
) -> None:
    page.goto(url(hostile, "index.html"))
    row = page.get_by_role("row", name=LONG)
    expect(row).to_contain_text(f'"a.b ""c"" d".{LONG}')
    assert (
        row.locator("bdi").first.evaluate("each => getComputedStyle(each).unicodeBidi") == "isolate"
    )


# --- diagrams ---


def test_a_table_of_a_diagram_is_a_link_for_mouse_and_keyboard(page: Page, three: Path) -> None:
    page.goto(url(three, "diagram.html"))
    page.locator("svg.schema a", has_text="memberships").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("memberships")
    page.locator("svg.schema a", has_text="users").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("users")


def test_a_diagram_is_zoomed_by_buttons_and_wheel_and_moved_by_dragging(
    page: Page, sixty: Path
) -> None:
    page.goto(url(sixty, "diagram.html"))
    picture = page.locator("svg.schema").first
    canvas = page.locator(".canvas").first

    def width() -> float:
        return float(picture.evaluate("each => each.getBoundingClientRect().width"))

    natural = float(str(picture.get_attribute("viewBox")).split()[2])

    def press(name: str) -> float:
        page.get_by_role("button", name=name).first.click()
        return width()

    assert press("Actual size") == pytest.approx(natural, rel=0.01)
    assert press("Zoom in") == pytest.approx(natural * 1.3, rel=0.01)
    assert press("Zoom out") == pytest.approx(natural, rel=0.01)
    assert press("Fit") <= canvas.evaluate("each => each.clientWidth")
    page.get_by_role("button", name="Actual size").first.click()
    page.get_by_role("button", name="Zoom in").first.click()
    box = canvas.bounding_box()
    assert box
    before = width()
    page.mouse.move(box["x"] + 30, box["y"] + 100)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_function(
        "before => document.querySelector('svg.schema').getBoundingClientRect().width > before",
        arg=before,
    )
    start = canvas.evaluate("each => { each.scrollTop = 50; return each.scrollTop; }")
    gap = picture.evaluate(
        """svg => { const all = [...svg.querySelectorAll(".box")].map((b) => b.getBoundingClientRect());
        for (let y = 300; y < 700; y += 3) for (let x = 320; x < 1100; x += 3)
          if (!document.elementFromPoint(x, y)?.closest("a, button") && document.elementFromPoint(x, y)?.closest(".canvas")) return [x, y]; }"""
    )
    page.mouse.move(*gap)
    page.mouse.down()
    page.mouse.move(gap[0], gap[1] - 40, steps=4)
    page.mouse.up()
    assert canvas.evaluate("each => each.scrollTop") == pytest.approx(start + 40, abs=2)


def test_many_tables_are_drawn_in_groups_each_table_once(page: Page, sixty: Path) -> None:
    page.goto(url(sixty, "diagram.html"))
    overview, *groups = page.locator("svg.schema").all()
    assert 3 <= len(groups) <= 15
    drawn = [
        name
        for group in groups
        for name in group.locator(".table:not(.away) .name").all_text_contents()
    ]
    assert len(drawn) == 61
    assert len(set(drawn)) == 61
    assert overview.locator("a").count() == len(groups)
    first = overview.locator("a").first
    title = first.locator(".name").text_content()
    first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name=f"{title}").first).to_be_in_viewport()


def test_the_picture_of_a_hub_has_as_many_neighbours_as_can_be_looked_at(
    page: Page, sixty: Path
) -> None:
    page.goto(url(sixty, "tables/public.hub.html"))
    assert page.locator("svg.schema .table").count() == 41
    expect(page.get_by_text("19 more tables refer to it")).to_be_visible()
    expect(page.locator("#referenced-by + ul li")).to_have_count(59)


# --- five hundred tables ---


def test_five_hundred_tables_take_ten_seconds_at_most_once_they_are_read(
    shared: Project, five_hundred: Path
) -> None:
    contents = read_contents(read_migrations())
    start = time.process_time()  # of this process alone: others may be at work
    files = site_files(contents, 1)
    assert time.process_time() - start < 10
    assert len([name for name in files if name.startswith("tables/")]) == 501


def test_among_five_hundred_tables_one_is_found_at_once(page: Page, five_hundred: Path) -> None:
    page.goto(url(five_hundred, "index.html"))
    expect(page.locator("tbody tr")).to_have_count(501)
    search = page.get_by_role("combobox")
    took = search.evaluate(
        """input => { const start = performance.now(); input.value = "table_498 column_7";
        input.dispatchEvent(new Event("input")); return performance.now() - start; }"""
    )
    assert took < 200
    expect(page.get_by_role("option").first).to_have_text("column_7column, table_498")
    page.goto(url(five_hundred, "diagram.html"))
    assert page.locator("svg.schema .table:not(.away) .name").count() > 500
