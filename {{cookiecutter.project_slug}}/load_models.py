"""Prints the schema of `domain.models` as PostgreSQL DDL, from which Atlas derives migrations.

A table that is overlooked would be dropped; so whatever is in doubt ends in an error, and no DDL.
"""

import gc
import inspect
import re
import sys
from contextlib import redirect_stdout
from enum import Enum
from pathlib import Path
from traceback import extract_tb
from typing import Any

from atlas_provider_sqlalchemy.ddl import print_ddl  # type: ignore[import-untyped]
from sqlalchemy import MetaData, Table, create_mock_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import ExecutableDDLElement

SRC = Path(__file__).resolve().parent / "src"
MODELS = SRC / "domain" / "models"

DIALECT = "postgresql+asyncpg"  # psycopg's, the default, doubles each % in checks and comments
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w*)\$.*?\$\1\$", re.DOTALL)
COMMENT_OR_GLUED = re.compile(r"--.*|[^\s(,]+[\n\t]+[^\s)]+")


def refusal(where: object, reason: str) -> SystemExit:
    return SystemExit(f"error: {where}: {reason}")


def import_models() -> type[DeclarativeBase]:
    sys.path.insert(0, str(SRC))
    try:
        with redirect_stdout(sys.stderr):  # what a module prints is no DDL
            from domain.models import Base
    except Exception as error:
        files = [MODELS, *(Path(at.filename) for at in extract_tb(error.__traceback__))]
        if isinstance(error, SyntaxError):
            files.append(Path(str(error.filename)))
        file = [each for each in files if each.is_relative_to(SRC)][-1]
        raise refusal(file, f"cannot be imported: {type(error).__name__}: {error}") from error
    return Base


def check_modules(base: type[DeclarativeBase]) -> None:
    """Every file of the package is imported, adds to the schema, and uses the one metadata."""
    modules = {getattr(module, "__file__", None): module for module in sys.modules.values()}
    mapped = {kind for mapper in base.registry.mappers for kind in mapper.class_.__mro__}

    def adds_to_schema(value: object, module: str) -> bool:
        if isinstance(value, type) and value.__module__ == module:
            return value in mapped or issubclass(value, Enum)
        return isinstance(value, Table)

    for file in sorted(MODELS.rglob("*.py")):
        module = modules.get(str(file))
        if module is None:
            raise refusal(file, "is not imported: its folder has no __init__.py")
        values = list(vars(module).values())
        for metadata in (getattr(value, "metadata", value) for value in values):
            if isinstance(metadata, MetaData) and metadata is not base.metadata:
                raise refusal(file, "has metadata of its own: inherit from domain.models.Base")
        useful = any(adds_to_schema(value, module.__name__) for value in values)
        if not useful and file.name != "__init__.py":
            raise refusal(file, "defines no table, mixin of a table or enum: no base class?")
    if not base.metadata.tables:
        raise refusal(MODELS, "defines no table")


def check_statements(base: type[DeclarativeBase]) -> None:
    """No statement needs its newlines and tabs, which the provider deletes."""
    models = {mapper.local_table: mapper.class_ for mapper in base.registry.mappers}
    files: dict[Any, str] = {table: inspect.getfile(model) for table, model in models.items()}
    statements: list[ExecutableDDLElement] = []
    engine = create_mock_engine(f"{DIALECT}://", lambda ddl, *_, **__: statements.append(ddl))
    base.metadata.create_all(engine, checkfirst=False)
    for statement in statements:
        part = getattr(statement, "element", None)
        file = files.get(getattr(part, "table", part), MODELS)
        try:
            sql = str(statement.compile(dialect=engine.dialect))
        except SQLAlchemyError as error:
            raise refusal(file, f"{getattr(part, 'name', part)}: {error}") from error
        broken = [each[0] for each in QUOTED.finditer(sql) if {*each[0]} & {"\n", "\t"}]
        broken += COMMENT_OR_GLUED.findall(QUOTED.sub("''", sql))
        if broken:
            raise refusal(file, f"Atlas would not see the newlines and tabs of {broken[0]!r}")


def main() -> None:
    base = import_models()
    check_modules(base)
    try:
        check_statements(base)
    except SQLAlchemyError as error:
        raise refusal(MODELS, str(error)) from error
    print_ddl(DIALECT, [base])


if __name__ == "__main__":
    gc.disable()  # what is loaded stays: looking for garbage would take half of the time
    try:
        main()
        gc.freeze()  # ... the last look, at exit, included
    finally:
        gc.enable()
