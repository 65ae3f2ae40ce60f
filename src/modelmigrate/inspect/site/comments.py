"""How much of a schema is said in comments, and whether that is enough."""

from typing import NamedTuple

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.inspect.read import shown_name
from modelmigrate.inspect.site.contents import Contents
from modelmigrate.lint.catalog import Relation
from modelmigrate.sql.names import unquote
from modelmigrate.terminal import indent

SHOWN = 10  # names in a message


class Coverage(NamedTuple):
    """How many tables and columns have a comment."""

    commented: int
    all: int

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all; of nothing, 100."""
        return 100 * self.commented // self.all if self.all else 100


def coverage(contents: Contents, *tables: Relation) -> Coverage:
    """That of these tables with their columns, or of all."""
    chosen = tables or contents.objects.base_tables
    count = sum(1 + len(contents.objects.columns.get(table.oid, ())) for table in chosen)
    return Coverage(count - sum(len(uncommented(contents, table)) for table in chosen), count)


def uncommented(contents: Contents, table: Relation) -> list[str]:
    """A table and its columns, as far as they have no comment."""
    name = shown_name(table.name)
    names = {0: name} | {
        column.number: f"{name}.{unquote(column.name)}"
        for column in contents.objects.columns.get(table.oid, ())
    }
    return [
        shown
        for number, shown in names.items()
        if not contents.comment("pg_class", table.oid, number)
    ]


def require_comments(contents: Contents, percent: int | None, *, written: bool) -> None:
    """Raise MigrateError (exit code 3) where fewer tables and columns have comments."""
    covered = coverage(contents)
    if percent is None or covered.percent >= percent:
        return
    missing = [
        each for table in contents.objects.base_tables for each in uncommented(contents, table)
    ]
    done = "The site was written" if written else "Nothing was changed"
    raise MigrateError(
        f"{covered.percent} % of tables and columns have a comment, not {percent} %. {done}. Without one:\n"
        f"{first_of(missing)}\nAdd comment=... to the models, then:"
        f" {project.command('create', 'add comments')}",
        Exit.REFUSED,
    )


def first_of(names: list[str]) -> str:
    """The first of these, a line each, and how many more there are."""
    more = [f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return indent([*names[:SHOWN], *more])
