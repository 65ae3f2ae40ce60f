"""What the documentation says to type is typed, once, in the order of each page."""

import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import ROOT, SLUG, run, stop_servers
from tests.package.harness import execute
from tests.template.readme import blocks_of, follow, unproven

FORGE = "https://github.com/org/template"
DOCS = ROOT / "docs"
MADE = DOCS / "lint.md"  # whose examples are run as those of the rules
PAGES = [ROOT / "README.md", *sorted(set(DOCS.rglob("*.md")) - {MADE})]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
FOLLOWED = [page for page in PAGES if any(block.is_proven for block in blocks_of(TEXTS[page]))]
# Why a block is not run.
REASONS = {
    "it is on no index yet": "modelmigrate, until it is published",
    "it needs a cluster": "kubectl, kustomize, Argo CD",
    "it needs an image": "docker",
    "it needs a forge": "GitHub, GitLab or CircleCI",
    "another test runs it": "of the demo, the tests, the workshop, the benchmarks",
}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).with_suffix("").as_posix()


@pytest.fixture
def empty(workshop: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder with nothing in it, in which a service may be made."""
    folder = workshop / request.node.name.replace("/", "-")
    folder.mkdir()
    yield folder
    for service in folder.glob(f"*{SLUG}"):
        stop_servers(service)
    shutil.rmtree(folder)


@pytest.fixture
def alembic_project(fork: Path, workshop: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with revisions, and two databases at the newest, with rows that have to stay."""
    folder = workshop / "with-alembic" / "shop"
    shutil.copytree(Path(__file__).parent / "alembic_shop", folder)
    ours = run("make", "-s", "db-url", at=fork).stdout.strip()
    databases = {"DATABASE_URL": "shop", "PRODUCTION_DATABASE_URL": "production"}
    for variable, name in databases.items():
        execute(ours, f"CREATE DATABASE {name}")
        url = ours.replace("/team_directory?", f"/{name}?")
        run("alembic", "upgrade", "head", at=folder, env={"DATABASE_URL": url}).check_returncode()
        execute(url, (folder / "rows.sql").read_text(encoding="utf-8"))
        monkeypatch.setenv(variable, url)
    yield folder
    for variable in databases:
        assert execute(os.environ[variable], "SELECT sum(amount), count(*) FROM orders") == [
            (Decimal("17.50"), 3)
        ]
    shutil.rmtree(folder.parent)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_has_no_block_that_nothing_checks(page: Path) -> None:
    assert unproven(TEXTS[page], REASONS) == []


# What a page begins with, where that is no service of the defaults.
BEGINNINGS = {
    "README": "empty",
    "docs/tutorial/first-service": "empty",
    "docs/how-to/from-alembic": "alembic_project",
    "docs/how-to/without-the-template": "empty",
}


@pytest.mark.long
@pytest.mark.parametrize("page", FOLLOWED, ids=name_of)
def test_what_a_page_says_to_type_does_what_it_says(
    page: Path, request: pytest.FixtureRequest, template: Path
) -> None:
    begun = request.getfixturevalue(BEGINNINGS.get(name_of(page), "fork"))
    # gh:org/template is the clone of it.
    instead = {"COUNT": "1", "KEY_0": f"url.{template}.insteadOf", "VALUE_0": f"{FORGE}.git"}
    variables = {f"GIT_CONFIG_{name}": value for name, value in instead.items()}
    # With a column more than a bake has, the API is tested where README of the service is followed.
    follow(page, begun, PYTEST_ADDOPTS="--ignore=tests/api", **variables)
