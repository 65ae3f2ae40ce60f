"""What is loaded as the schema, and what is refused because a table might be overlooked."""

import gc
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmigrate.models.loader import load_models
from tests.conftest import TREE, run

MODEL = """
from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column
from domain.models.base import BaseEntity

class Post(BaseEntity):
    rating: Mapped[int] = mapped_column({column})
    __table_args__ = (CheckConstraint({check!r}, name="sound"),)
"""
SINGLE = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase): ...

class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
TABLES = {"audit_entries", "memberships", "teams", "users"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the template's load_models.py and models."""
    for name in ("load_models.py", "atlas.hcl"):
        shutil.copy(TREE / name, tmp_path)
    shutil.copytree(TREE / "src" / "domain", tmp_path / "src" / "domain")
    return tmp_path


@pytest.fixture
def models(project: Path) -> Path:
    return project / "src" / "domain" / "models"


@pytest.fixture
def single(tmp_path: Path) -> Path:
    """A project whose models are one module beside its load_models.py."""
    shutil.copy(TREE / "load_models.py", tmp_path)
    (tmp_path / "models.py").write_text(SINGLE)
    configure(tmp_path, 'models = "models:Base"\nsource = "."')
    return tmp_path


@pytest.fixture(autouse=True)
def nothing_stays_imported(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("MODELMIGRATE_PROJECT", raising=False)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    before = sys.modules.copy()
    yield
    for name in sys.modules.keys() - before.keys():
        if name.partition(".")[0] in {"domain", "models"}:
            del sys.modules[name]
    gc.unfreeze()


def configure(folder: Path, settings: str) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.modelmigrate]\n{settings}\n")


def printed(folder: Path, at: Path) -> "subprocess.CompletedProcess[str]":
    """What load_models.py prints when it is run from `at`."""
    return run(sys.executable, folder / "load_models.py", at=at)


def refusal(folder: Path) -> str:
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(folder / "load_models.py"), run_name="__main__")
    return str(end.value)


def test_a_new_module_is_printed_without_being_listed_anywhere(project: Path, models: Path) -> None:
    model = MODEL.format(column="comment='100%'", check="rating % 2 = 0")
    (models / "post.py").write_text("print('loading')" + model)
    ran = printed(project, models)
    assert ran.returncode == 0, ran.stderr
    assert "CREATE TABLE posts (id UUID NOT NULL, rating INTEGER NOT NULL," in ran.stdout
    assert "CHECK (rating % 2 = 0)" in ran.stdout
    assert "IS '100%';" in ran.stdout
    assert ran.stderr == "loading\n", "only DDL may be on standard output"


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("post.py", "import nowhere", "cannot be imported: ModuleNotFoundError: No module"),
        ("post.py", "class Post(", "cannot be imported: SyntaxError"),
        ("post.py", "1 / 0", "cannot be imported: ZeroDivisionError"),
        ("post.py", "class Post:\n    title: str", "defines no table, mixin of a table or enum"),
        ("blog/post.py", "", "is not imported: its folder has no __init__.py"),
        (
            "post.py",
            "from sqlalchemy import MetaData\nmine = MetaData()",
            "has metadata of its own",
        ),
        ("post.py", MODEL.format(column="comment='two\\nlines'", check="true"), r"two\nlines"),
        ("post.py", MODEL.format(column="name='a\\tb'", check="true"), r"a\tb"),
        ("post.py", MODEL.format(column="", check="rating > 0 OR\nrating < 9"), r"OR\nrating"),
        ("post.py", MODEL.format(column="", check="rating > 0 -- so\n OR true"), "-- so"),
    ],
)
def test_models_in_doubt_print_no_ddl_and_name_the_file(
    project: Path,
    models: Path,
    file: str,
    content: str,
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (models / file).parent.mkdir(exist_ok=True)
    (models / file).write_text(content)
    message = refusal(project)
    assert message.startswith(f"error: {models / file}: ")
    assert reason in message
    assert capsys.readouterr().out == ""


def test_a_refusal_is_one_line_on_standard_error_and_exit_code_1(
    project: Path, models: Path
) -> None:
    (models / "post.py").write_text("import nowhere")
    ran = printed(project, project)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"error: {models / 'post.py'}: ")
    assert ran.stderr.count("\n") == 1


def test_a_schema_without_tables_is_refused(
    project: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in models.glob("*.py"):
        file.unlink()
    (models / "__init__.py").write_text(
        "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): ..."
    )
    assert refusal(project) == f"error: {models}: defines no table"
    assert capsys.readouterr().out == ""


def test_mixins_enums_and_tables_without_a_class_are_part_of_a_schema(
    project: Path, models: Path
) -> None:
    (models / "enums.py").write_text("from enum import Enum\nclass Mood(Enum):\n    GOOD = 'good'")
    (models / "links.py").write_text(
        "from sqlalchemy import Column, Integer, Table\n"
        "from domain.models.base import Base\n"
        "links = Table('links', Base.metadata, Column('id', Integer, primary_key=True))"
    )
    assert set(load_models(project).metadata.tables) == {*TABLES, "links"}


def test_a_package_of_models_below_the_others_is_loaded_with_them(
    project: Path, models: Path
) -> None:
    (models / "blog").mkdir()
    (models / "blog" / "__init__.py").touch()
    (models / "blog" / "post.py").write_text(MODEL.format(column="", check="rating > 0"))
    assert set(load_models(project).metadata.tables) == {*TABLES, "posts"}


def test_models_in_a_single_module_are_loaded(single: Path) -> None:
    assert set(load_models(single).metadata.tables) == {"notes"}


def test_a_base_of_another_name_is_found(single: Path) -> None:
    file = single / "models.py"
    file.write_text(re.sub(r"\bBase\b", "Model", file.read_text()))
    configure(single, 'models = "models:Model"\nsource = "."')
    assert set(load_models(single).metadata.tables) == {"notes"}


def test_a_module_without_a_base_beside_it_has_one_called_base(single: Path) -> None:
    configure(single, 'models = "models"\nsource = "."')
    assert set(load_models(single).metadata.tables) == {"notes"}


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ('"nowhere:Base"', "cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        ('"models.deeper:Base"', "cannot be imported: ModuleNotFoundError"),
        ('"models:Nothing"', "has no attribute 'Nothing'"),
        ('"models:Note.metadata"', "has no attribute 'Note.metadata'"),
        ('""', "Empty module name"),
        pytest.param('"models:Mapped"', "models:Mapped"),
        pytest.param("3", "[tool.modelmigrate] models = 3 is not understood"),
    ],
)
def test_a_wrong_setting_for_the_models_is_an_error_that_names_it(
    single: Path, setting: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(single, f'models = {setting}\nsource = "."')
    message = refusal(single)
    assert message.startswith("error: ")
    assert reason in message
    assert capsys.readouterr().out == ""


def test_a_source_folder_that_there_is_not_is_an_error_that_names_it(single: Path) -> None:
    configure(single, 'models = "models:Base"\nsource = "lib"')
    assert refusal(single).startswith(f"error: {single / 'lib' / 'models.py'}: cannot be imported")


def test_models_are_loaded_from_an_unrelated_working_directory(
    single: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ran = printed(single, tmp_path_factory.mktemp("elsewhere"))
    assert ran.returncode == 0, ran.stderr
    assert "CREATE TABLE notes (" in ran.stdout


def test_without_a_folder_the_project_is_that_of_the_working_directory(
    project: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(models)
    assert set(load_models().metadata.tables) == TABLES


def test_a_folder_that_is_reached_through_a_link_gives_the_same_models(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    link = tmp_path_factory.mktemp("links") / "link"
    link.symlink_to(project)
    assert set(load_models(link).metadata.tables) == TABLES
