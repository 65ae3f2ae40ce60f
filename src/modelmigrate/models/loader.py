"""The project's models, loaded and checked: what its load_models.py prints as DDL for Atlas.

A table that is overlooked would be dropped by the next migration, so every doubt is an error, and no
DDL is printed then.
"""

import gc
import importlib
import inspect
import re
import sys
from contextlib import redirect_stdout
from enum import Enum
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any, NamedTuple

from sqlalchemy import MetaData, Table, create_mock_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import CreateSchema, ExecutableDDLElement

from modelmigrate import project
from modelmigrate.errors import MigrateError

DIALECT = "postgresql+asyncpg"  # the default, psycopg's, doubles each % in checks and comments
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w*)\$.*?\$\1\$", re.DOTALL)
COMMENT_OR_GLUED = re.compile(r"--.*|(?<![^\s(,])[^\s(,]++[\n\t]+[^\s)]+")


class Models(NamedTuple):
    """Where the models are: the folder that they are imported from, their module, and the name of
    their declarative base in it."""

    source: Path
    module: str
    base: str

    @property
    def path(self) -> Path:
        """The module's file, or its folder where it is a package."""
        path = self.source.joinpath(*self.module.split("."))
        return path if path.is_dir() else path.with_suffix(".py")

    @property
    def files(self) -> list[Path]:
        """Every file of the models, each of which must be imported."""
        return sorted(self.path.rglob("*.py")) if self.path.is_dir() else [self.path]


def models_of(root: Path, settings: project.Settings) -> Models:
    """Where a project's settings say that its models are."""
    module, _, base = settings.models.partition(":")
    return Models((root / settings.source).resolve(), module, base or "Base")


def load_models(folder: str | Path | None = None) -> type[DeclarativeBase]:
    """The declarative base of the project's models, after all of them were imported and checked.

    `folder` is the project's; by default, the project of the working directory. `source` and `models`
    in `[tool.modelmigrate]` say where the models are (by default `src` and `domain.models:Base`).

    Raises:
        SystemExit: a file is not imported or defines nothing, a module has metadata of its own, there
            is no table, a class cannot be mapped, or a statement would reach Atlas changed; with the
            file and what to fix.
    """
    try:
        root = Path(folder or project.root())
        settings = project.settings(root)
    except MigrateError as error:
        raise SystemExit(f"error: {error}") from error
    models = models_of(root, settings)
    gc.disable()  # all that is loaded stays, and collecting garbage would take half of the time
    try:
        declarative_base = _import(models)
        _configure(models, declarative_base)
        _check_modules(models, declarative_base)
        try:
            _create_schemas(declarative_base.metadata)
            _check_statements(models, declarative_base)
        except SQLAlchemyError as error:
            raise _refusal(models.path, str(error)) from error
        gc.freeze()  # spares the collection at exit, too
    finally:
        gc.enable()
    return declarative_base


def _refusal(where: object, reason: str) -> SystemExit:
    """The error that ends load_models.py: the models are not to be used."""
    return SystemExit(f"error: {where}: {reason}")


def _import(models: Models) -> type[DeclarativeBase]:
    """Import the models; the error names the last of their files that was being imported."""
    sys.path.insert(0, str(models.source))
    try:
        with redirect_stdout(sys.stderr):  # what a module prints is not part of the DDL
            module = importlib.import_module(models.module)
            base: object = getattr(module, models.base)
    except Exception as error:
        files = [models.path, *(Path(at.filename) for at in extract_tb(error.__traceback__))]
        if isinstance(error, SyntaxError):
            files.append(Path(str(error.filename)))
        file = [each for each in files if each.is_relative_to(models.source)][-1]
        raise _refusal(file, f"cannot be imported: {type(error).__name__}: {error}") from error
    if not (isinstance(base, type) and issubclass(base, DeclarativeBase)):
        raise _refusal(models.path, f"{models.module}:{models.base} is no declarative base")
    return base


def _configure(models: Models, base: type[DeclarativeBase]) -> None:
    """Map what was deferred until all classes are known; the error names the file of the class."""
    try:
        base.registry.configure()
        set(base.registry.mappers)  # fails where a class still has none
    except Exception as error:  # the models' own code runs here, too
        reason = f"cannot be mapped: {type(error).__name__}: {error}".partition("\n")[0]
        raise _refusal(_file_of_class(models, reason), reason) from error


def _file_of_class(models: Models, reason: str) -> Path:
    """The file of the first class that the reason names; where the models are, if it names none."""
    files = {str(file): file for file in models.files}
    for module in list(sys.modules.values()):
        file = files.get(str(getattr(module, "__file__", None)))
        for name, value in vars(module).items() if file else ():
            is_defined_here = isinstance(value, type) and value.__module__ == module.__name__
            if file and is_defined_here and re.search(rf"\b{re.escape(name)}\b", reason):
                return file
    return models.path


def _check_modules(models: Models, base: type[DeclarativeBase]) -> None:
    """Every file of the models is imported, adds to the schema, and uses the one metadata."""
    modules = {getattr(module, "__file__", None): module for module in sys.modules.values()}
    mapped = {cls for mapper in base.registry.mappers for cls in mapper.class_.__mro__}
    for file in models.files:
        module = modules.get(str(file))
        if module is None:
            raise _refusal(file, "is not imported: its folder has no __init__.py")
        values = list(vars(module).values())
        for metadata in (getattr(value, "metadata", value) for value in values):
            if isinstance(metadata, MetaData) and metadata is not base.metadata:
                base_name = f"{models.module}.{models.base}"
                raise _refusal(file, f"has metadata of its own: inherit from {base_name}")
        if not _adds_to_schema(module, mapped) and file.name != "__init__.py":
            raise _refusal(file, "defines no table, mixin of a table or enum: no base class?")
    if not base.metadata.tables:
        raise _refusal(models.path, "defines no table")


def _adds_to_schema(module: ModuleType, mapped: set[type]) -> bool:
    """Whether a module defines a table, an enum, or a class that a mapped class inherits from."""
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__:
            if value in mapped or issubclass(value, Enum):
                return True
        elif isinstance(value, Table):
            return True
    return False


def _create_schemas(metadata: MetaData) -> None:
    """Let `create_all` begin with the schemas that its statements name: SQLAlchemy takes it that they are
    there."""
    elements = [getattr(each, "element", None) for each in _statements(metadata)]
    named = {getattr(getattr(each, "table", each), "schema", None) for each in elements}
    # Each goes before those that went before it, and all of them before the enums.
    for name in sorted(filter(None, named - {"public"}), reverse=True):
        event.listen(metadata, "before_create", CreateSchema(name), insert=True)


def _statements(metadata: MetaData) -> list[ExecutableDDLElement]:
    """What `create_all` would run on an empty database."""
    statements: list[ExecutableDDLElement] = []
    engine = create_mock_engine(f"{DIALECT}://", lambda ddl, *_, **__: statements.append(ddl))
    metadata.create_all(engine, checkfirst=False)
    return statements


def _check_statements(models: Models, base: type[DeclarativeBase]) -> None:
    """Every statement means the same without its newlines and tabs, which the Atlas provider deletes."""
    mapped = {mapper.local_table: mapper.class_ for mapper in base.registry.mappers}
    files: dict[Any, str] = {table: inspect.getfile(model) for table, model in mapped.items()}
    dialect = create_mock_engine(f"{DIALECT}://", print).dialect
    for statement in _statements(base.metadata):
        element = getattr(statement, "element", None)
        file = files.get(getattr(element, "table", element), models.path)
        try:
            sql = str(statement.compile(dialect=dialect))
        except SQLAlchemyError as error:
            raise _refusal(file, f"{getattr(element, 'name', element)}: {error}") from error
        broken = [each[0] for each in QUOTED.finditer(sql) if {*each[0]} & {"\n", "\t"}]
        broken += COMMENT_OR_GLUED.findall(QUOTED.sub("''", sql))
        if broken:
            raise _refusal(file, f"Atlas would not see the newlines and tabs of {broken[0]!r}")
