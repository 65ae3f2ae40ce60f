"""What models cannot say, declared: one `CREATE ...` for each file under persistence/sql/."""

import re
from pathlib import Path
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.schema.diff import Schema, SchemaObject
from modelmigrate.sql.statements import shorten, split_statements, strip_comments

# Each kind of object, as `pg_dump` calls it, and the folder for it.
DECLARED_KINDS = {
    "EXTENSION": "extensions",
    "FUNCTION": "functions",
    "PROCEDURE": "procedures",
    "TRIGGER": "triggers",
    "VIEW": "views",
    "MATERIALIZED VIEW": "views",
}
CREATE_DECLARED = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+|RECURSIVE\s+|CONSTRAINT\s+)*"
    r"(?P<kind>EXTENSION|FUNCTION|PROCEDURE|TRIGGER|VIEW|MATERIALIZED\s+VIEW)\b",
    re.IGNORECASE,
)
# What belongs to an object, and may follow it in its file.
COMMENT_ON_DECLARED = rf"COMMENT\s+ON\s+(?:COLUMN|{'|'.join(DECLARED_KINDS)})\b".replace(
    " ", r"\s+"
)
COMPANION_STATEMENTS = {
    "triggers": r"ALTER\s+TABLE\s.*\s(?:ENABLE|DISABLE)\s(?:.*\s)?TRIGGER\b",
    "views": r"CREATE\s+(?:UNIQUE\s+)?INDEX\b",
}


class DeclaredObject(NamedTuple):
    """A file's statements, fit to be run in an empty database; and those that nobody diffs."""

    file: Path
    statements: list[str]
    not_managed: list[str]

    @property
    def warnings(self) -> list[str]:
        return [
            f"note: {project.relative(self.file)} is not diffed where it says: {shorten(each)}\n"
            "  Put that into a migration of its own and make migrate-hash; schema-drift sees it."
            for each in self.not_managed
        ]


def read_declared() -> list[DeclaredObject]:
    """What the files declare.

    Raises:
        MigrateError: a file cannot be read, or declares nothing, two objects, or one that belongs
            into another folder.
    """
    return [parse_declared(file) for file in sorted(project.sql_dir().rglob("*.sql"))]


def parse_declared(file: Path) -> DeclaredObject:
    try:
        statements = split_statements(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise MigrateError(
            f"{project.relative(file)} cannot be read: {error}. Nothing was written."
        ) from None
    folder = file.parent.relative_to(project.sql_dir()).as_posix()
    made, beside, not_managed = [], [], []
    for statement in statements:
        code = strip_comments(statement)
        created = CREATE_DECLARED.match(code)
        if created:
            home = DECLARED_KINDS[" ".join(created["kind"].upper().split())]
            if home != folder:
                raise MigrateError(
                    f"{project.relative(file)} makes a {created['kind'].lower()}: move it to"
                    f" {project.relative(project.sql_dir() / home)}/. Nothing was written."
                )
            made.append(without_or_replace(code))
        elif re.match(
            rf"{COMMENT_ON_DECLARED}|{COMPANION_STATEMENTS.get(folder, COMMENT_ON_DECLARED)}",
            code,
            re.IGNORECASE | re.DOTALL,
        ):
            beside.append(code)
        else:
            not_managed.append(code)
    if not statements or len(made) > 1:
        what = f"makes {len(made)} objects: a file each, please" if made else "is empty: remove it"
        raise MigrateError(f"{project.relative(file)} {what}. Nothing was written.")
    return DeclaredObject(file, [*made, *beside], not_managed)


def without_or_replace(statement: str) -> str:
    """Without OR REPLACE and IF NOT EXISTS, behind which two files could make the same object."""
    for words in (
        r"(CREATE\s+)OR\s+REPLACE\s+",
        r"(CREATE\s+(?:EXTENSION|MATERIALIZED\s+VIEW)\s+)IF\s+NOT\s+EXISTS\s+",
    ):
        statement = re.sub(rf"\A{words}", r"\1", statement, flags=re.IGNORECASE)
    return statement if statement.endswith(";") else f"{statement};"


def is_declared(entry: SchemaObject, schema: Schema) -> bool:
    """Whether files declare what the entry stands for, or would if it were to stay."""
    match entry.kind:
        case "INDEX":
            on = re.search(r" ON (?:ONLY )?(\S+) ", entry.create_sql)
            return on is not None and f"MATERIALIZED VIEW {on[1]}" in schema
        case "COMMENT":
            return bool(re.match(COMMENT_ON_DECLARED, entry.create_sql))
    return entry.kind in DECLARED_KINDS
