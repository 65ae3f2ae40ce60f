"""The package alone: projects that no template made, by the program of an environment of its own."""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT, TREE, in_memory, run
from tests.package.harness import Ran, execute

MODELS = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase): ...


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
"""
CHECKED = """\
from atlas_provider_sqlalchemy.ddl import print_ddl
from modelmigrate.models.loader import DIALECT, load_models

print_ddl(DIALECT, [load_models()])
"""
PLAIN = """\
from atlas_provider_sqlalchemy.ddl import print_ddl
from models import Base

print_ddl("postgresql", [Base])
"""
SETTINGS = '[tool.modelmigrate]\nmodels = "models:Base"\nsource = "."\n'
MAKE = re.compile(r"\bmake ([a-z-]+)")
TARGETS = set(re.findall(r"^([a-z-]+):", (TREE / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.fixture(scope="module")
def workshop() -> Iterator[Path]:
    """A folder that an unprivileged server may enter too."""
    folder = Path(tempfile.mkdtemp(prefix="bare-tests-", dir=in_memory()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def program(workshop: Path) -> Path:
    """The program of an environment that has the vendored wheel."""
    environment = workshop / "environment"
    (wheel,) = (TREE / "vendor").glob("modelmigrate-*.whl")
    for command in (
        ("venv", "--quiet", "--python", sys.executable, environment),
        (
            *("pip", "install", "--quiet", "--python", environment / "bin" / "python"),
            *("--constraints", ROOT / "constraints.txt"),
            *(f"modelmigrate[server] @ {wheel.as_uri()}", "sqlalchemy"),
        ),
    ):
        finished = run("uv", *command, at=workshop, env={"UV_LINK_MODE": "copy"})
        assert finished.returncode == 0, finished.stderr
    return environment / "bin" / "modelmigrate"


class Bare(NamedTuple):
    """A project of a few files, and the program that its user types."""

    folder: Path
    program: Path

    def run(self, *words: str, code: int = 0) -> Ran:
        finished = run(self.program, *words, at=self.folder)
        ran = Ran(finished.returncode, finished.stdout, finished.stderr)
        assert ran.code == code, ran.said
        assert "Traceback" not in ran.said
        assert not [each for each in MAKE.findall(ran.said) if each in TARGETS], ran.said
        return ran

    def migrations(self) -> list[str]:
        return [file.name[15:] for file in sorted((self.folder / "migrations").glob("*.sql"))]


@pytest.fixture
def project(request: pytest.FixtureRequest, workshop: Path, program: Path) -> Iterator[Bare]:
    bare = Bare(Path(tempfile.mkdtemp(prefix="bare-", dir=workshop)), program)
    bare.folder.chmod(0o755)
    for name, text in {"models.py": MODELS, **request.param}.items():
        (bare.folder / name).write_text(text, encoding="utf-8")
    yield bare
    bare.run("db", "stop")
    shutil.rmtree((bare.folder / ".postgres").resolve(), ignore_errors=True)


@pytest.mark.parametrize(
    "project", [{"load_models.py": CHECKED, "pyproject.toml": SETTINGS}], indirect=True
)
def test_models_are_migrated_rolled_back_and_watched_without_the_template(project: Bare) -> None:
    assert "modelmigrate create initial" in project.run("status", code=1).err
    assert 'CREATE TABLE "notes"' in project.run("create", "initial").out
    project.run("apply")
    assert re.search(r"pending +0", project.run("status").out)

    models = project.folder / "models.py"
    models.write_text(f"{MODELS}    title: Mapped[str | None]\n", encoding="utf-8")
    assert 'modelmigrate create "' in project.run("check", code=2).err
    project.run("create", "add title")
    assert project.migrations() == ["initial.sql", "add_title.sql"]
    project.run("apply")
    assert "DROP COLUMN" in project.run("down").out
    assert re.search(r"pending +1\n.*_add_title\.sql", project.run("status").out)
    project.run("apply")

    url = project.run("db", "url").out.strip()
    execute(url, "ALTER TABLE notes ADD by_hand integer")
    drifted = project.run("drift", code=2).err
    assert "by_hand" in drifted
    assert "modelmigrate drift --fix adopt" in drifted
    project.run("check")


@pytest.mark.parametrize("project", [{"load_models.py": PLAIN, "atlas.hcl": ""}], indirect=True)
def test_an_empty_atlas_hcl_and_a_loader_that_knows_nothing_of_us_are_a_project(
    project: Bare,
) -> None:
    project.run("create", "initial")
    project.run("apply", "--dry-run")
    project.run("apply")
    assert project.migrations() == ["initial.sql"]
    project.run("drift")


def test_the_program_has_the_version_of_its_wheel(program: Path, workshop: Path) -> None:
    (wheel,) = (TREE / "vendor").glob("modelmigrate-*.whl")
    shown = run(program, "--version", at=workshop).stdout
    assert shown == f"modelmigrate {wheel.name.split('-')[1]}\n"
