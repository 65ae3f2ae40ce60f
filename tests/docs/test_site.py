"""The documentation as a site: whole, without dead links, and readable without a network."""

import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from modelmigrate.project import Settings
from tests.conftest import ROOT, once, run
from tests.package.test_cli import COMMANDS
from tests.template.test_rendering import PROMPTS

DOCS = ROOT / "docs"
BUILD = ("sphinx-build", "--quiet", "--nitpicky", "--fail-on-warning", "--keep-going")


@pytest.fixture(scope="session")
def site(template: Path, run_folder: Path) -> Path:
    """What `make docs` builds, of what is committed or will be."""

    def make() -> Path:
        built = run_folder / "built-site"
        done = run(*BUILD, template / "docs", built, at=template)
        assert done.returncode == 0, done.stderr
        return built

    return once(run_folder, "site", make)


class Seen(HTMLParser):
    """The addresses that a browser fetches for a page, and those that it may go to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.linked: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors.add(given.get("id") or "")
        if address := given.get("href") or given.get("src"):
            (self.linked if tag == "a" else self.fetched).append(address)


def test_make_docs_builds_it_as_strictly_as_here() -> None:
    planned = run("make", "--dry-run", "docs", at=ROOT).stdout
    assert all(word in planned for word in BUILD)
    assert run("git", "check-ignore", "docs/_build/index.html", at=ROOT).returncode == 0


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        for address in Seen(page).fetched:
            assert not re.match(r"(https?:)?//", address), f"{page}: {address}"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style


def test_every_link_within_the_site_leads_somewhere(site: Path) -> None:
    """Also those in HTML, and of the theme, which Sphinx does not look at."""
    seen = {page: Seen(page) for page in site.rglob("*.html")}
    for page, each in seen.items():
        for address in each.linked:
            if re.match(r"\w+:", address):
                continue
            place, _, anchor = address.partition("#")
            target = (page.parent / place).resolve() if place else page
            assert target.exists(), f"{page}: {address}"
            assert not anchor or target not in seen or anchor in seen[target].anchors, address


def test_every_file_of_the_repository_that_a_page_names_is_there() -> None:
    names = {
        name
        for page in DOCS.rglob("*.md")
        for name in re.findall(r"\]\(repo:([^)#]+)", page.read_text(encoding="utf-8"))
    }
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []


SET_FOR_ATLAS = {"ATLAS_NO_UPDATE_NOTIFIER"}
# What is wrong in the page of that name, and what Sphinx warns of.
MISTAKES = {
    "page": ("[here](nowhere.md)", "nowhere"),
    "heading": ("[here](index.md#nothing)", "nothing"),
    "picture": ("![a](nothing.svg)", "nothing.svg"),
    "unlisted": ("", "isn't included in any toctree"),
    "language": ("```nolanguage\n```", "nolanguage"),
}


def failed_build(folder: Path, **pages: str) -> str:
    """What is said of these pages, of which `unlisted` is in no list."""
    for name in ("conf.py", "generated.py"):
        shutil.copy(DOCS / name, folder)
    listed = "\n".join(pages.keys() - {"unlisted"})
    pages["index"] = f"```{{toctree}}\n{listed}\n```\n"
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(f"# {name}\n\n{text}\n", encoding="utf-8")
    done = run(*BUILD, folder, folder / "_build", at=folder)
    assert done.returncode != 0
    return done.stderr


def test_a_mistake_in_a_page_is_an_error(tmp_path: Path) -> None:
    said = failed_build(tmp_path, **{name: text for name, (text, _) in MISTAKES.items()})
    for name, (_, warning) in MISTAKES.items():
        # Each of them is enough for the build to fail.
        assert re.search(rf"/{name}\.md\S* WARNING: .*{warning}", said), said


def test_a_page_of_the_reference_that_nothing_makes_is_an_error(tmp_path: Path) -> None:
    assert "nothing" in failed_build(tmp_path, page="```{generated} nothing\n```")


def test_the_reference_has_every_command_with_its_options_every_setting_and_every_question(
    site: Path,
) -> None:
    pages = {
        page.stem: " ".join(unescape(re.sub("<[^>]+>", "", page.read_text("utf-8"))).split())
        for page in (site / "reference").glob("*.html")
    }
    for name, command in COMMANDS.items():
        assert f" {name}" in pages["commands"]
        for parameter in command.params:
            assert parameter.opts[0].lower() in pages["commands"].lower(), (name, parameter.name)
            assert " ".join(parameter.help.replace("`", "").split()) in pages["commands"]
    for setting in Settings._fields:
        assert setting.replace("_", "-") in pages["settings"]
    assert [question for question in PROMPTS if question not in pages["questions"]] == []


def test_every_variable_that_the_package_or_a_hook_reads_is_told() -> None:
    named = re.compile(r"\"((?:ATLAS|MODELMIGRATE|DATABASE|TEMPLATE_)[A-Z_]*)\"")
    files = (*(ROOT / "src").rglob("*.py"), *(ROOT / "hooks").glob("*.py"))
    named_in = (named.findall(file.read_text(encoding="utf-8")) for file in files)
    read = {name for names in named_in for name in names} - SET_FOR_ATLAS
    told = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    assert len(read) > 3
    assert read <= set(re.findall(r"`([A-Z_]+)`", told))


def test_from_a_file_search_finds_a_page_and_the_reader_chooses_dark_or_light(
    site: Path, browser: Browser
) -> None:
    page = browser.new_context(color_scheme="dark").new_page()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(f"file://{site}/index.html")
    page.get_by_role("textbox", name="Search").first.fill("duplicates under a unique key")
    page.keyboard.press("Enter")
    expect(page.locator("#search-results")).to_contain_text("Deploy and operate")

    page.goto(f"file://{site}/index.html")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    while page.locator("body").get_attribute("data-theme") != "light":
        page.locator(".theme-toggle-header, .theme-toggle-content").locator("visible=true").click()
    assert (dark, page.evaluate(background)) == ("rgb(19, 20, 22)", "rgb(255, 255, 255)")
    assert {url.partition("://")[0] for url in fetched} == {"file"}
