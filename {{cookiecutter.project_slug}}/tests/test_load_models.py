import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODEL = """
from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column
from domain.models.base import BaseEntity

class Post(BaseEntity):
    rating: Mapped[int] = mapped_column({column})
    __table_args__ = (CheckConstraint({check!r}, name="sound"),)
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the models beside a copy of load_models.py, none of them imported yet."""
    shutil.copy(ROOT / "load_models.py", tmp_path)
    shutil.copytree(ROOT / "src" / "domain", tmp_path / "src" / "domain")
    monkeypatch.syspath_prepend(tmp_path)
    ours = {name: sys.modules.pop(name) for name in imported_domain()}
    yield tmp_path / "src" / "domain" / "models"
    for name in imported_domain():
        del sys.modules[name]
    sys.modules.update(ours)


def imported_domain() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "domain"]


def load(models: Path) -> None:
    runpy.run_path(str(models.parents[2] / "load_models.py"), run_name="__main__")


def test_a_new_module_is_printed_without_being_listed_anywhere(models: Path) -> None:
    model = MODEL.format(column="comment='100%'", check="rating % 2 = 0")
    (models / "post.py").write_text("print('loading')" + model)

    result = subprocess.run(
        [sys.executable, models.parents[2] / "load_models.py"],
        cwd=models,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "CREATE TABLE posts (id UUID NOT NULL, rating INTEGER NOT NULL," in result.stdout
    assert "CHECK (rating % 2 = 0)" in result.stdout
    assert "IS '100%';" in result.stdout
    assert result.stderr == "loading\n", "only DDL may be on standard output"


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("post.py", "import nowhere", "cannot be imported: ModuleNotFoundError: No module"),
        ("post.py", "class Post(", "cannot be imported: SyntaxError"),
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
    models: Path, file: str, content: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (models / file).parent.mkdir(exist_ok=True)
    (models / file).write_text(content)

    with pytest.raises(SystemExit) as end:
        load(models)

    assert str(end.value).startswith(f"error: {models / file}: ")
    assert reason in str(end.value)
    assert capsys.readouterr().out == ""


def test_a_schema_without_tables_is_refused(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in models.glob("*.py"):
        file.unlink()
    (models / "__init__.py").write_text(
        "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): ..."
    )

    with pytest.raises(SystemExit, match="models: defines no table"):
        load(models)

    assert capsys.readouterr().out == ""
