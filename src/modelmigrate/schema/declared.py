"""What models cannot say, declared: one `CREATE ...` for each file under persistence/sql/."""

import re
from pathlib import Path
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.errors import ToolError
from modelmigrate.project import place
from modelmigrate.schema.diff import Entry, Schema
from modelmigrate.sql import statements as statements_
from modelmigrate.sql.statements import in_short, split

# Each kind of object, as `pg_dump` calls it, and the folder for it.
KINDS = {
    "EXTENSION": "extensions",
    "FUNCTION": "functions",
    "PROCEDURE": "procedures",
    "TRIGGER": "triggers",
    "VIEW": "views",
    "MATERIALIZED VIEW": "views",
}
CREATE = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+|RECURSIVE\s+|CONSTRAINT\s+)*"
    r"(?P<kind>EXTENSION|FUNCTION|PROCEDURE|TRIGGER|VIEW|MATERIALIZED\s+VIEW)\b",
    re.IGNORECASE,
)
# What belongs to an object, and may follow it in its file.
COMMENT = rf"COMMENT\s+ON\s+(?:COLUMN|{'|'.join(KINDS)})\b".replace(" ", r"\s+")
BESIDE = {
    "triggers": r"ALTER\s+TABLE\s.*\s(?:ENABLE|DISABLE)\s(?:.*\s)?TRIGGER\b",
    "views": r"CREATE\s+(?:UNIQUE\s+)?INDEX\b",
}


class Declared(NamedTuple):
    """A file's statements, fit to be run in an empty database; and those that nobody diffs."""

    file: Path
    statements: list[str]
    left_out: list[str]

    @property
    def notes(self) -> list[str]:
        return [
            f"note: {place(self.file)} is not diffed where it says: {in_short(each)}\n"
            "  Put that into a migration of its own and make migrate-hash; schema-drift sees it."
            for each in self.left_out
        ]


def read() -> list[Declared]:
    """What the files declare.

    Raises:
        ToolError: a file cannot be read, or declares nothing, two objects, or one that belongs
            into another folder.
    """
    return [parse(file) for file in sorted(project.sql_dir().rglob("*.sql"))]


def parse(file: Path) -> Declared:
    try:
        statements = split(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{place(file)} cannot be read: {error}. Nothing was written.") from None
    folder = file.parent.relative_to(project.sql_dir()).as_posix()
    made, beside, left_out = [], [], []
    for statement in statements:
        code = statements_.code(statement)
        created = CREATE.match(code)
        if created:
            home = KINDS[" ".join(created["kind"].upper().split())]
            if home != folder:
                raise ToolError(
                    f"{place(file)} makes a {created['kind'].lower()}: move it to"
                    f" {place(project.sql_dir() / home)}/. Nothing was written."
                )
            made.append(plain(code))
        elif re.match(rf"{COMMENT}|{BESIDE.get(folder, COMMENT)}", code, re.IGNORECASE | re.DOTALL):
            beside.append(code)
        else:
            left_out.append(code)
    if not statements or len(made) > 1:
        what = f"makes {len(made)} objects: a file each, please" if made else "is empty: remove it"
        raise ToolError(f"{place(file)} {what}. Nothing was written.")
    return Declared(file, [*made, *beside], left_out)


def plain(statement: str) -> str:
    """Without OR REPLACE and IF NOT EXISTS, behind which two files could make the same object."""
    for words in (
        r"(CREATE\s+)OR\s+REPLACE\s+",
        r"(CREATE\s+(?:EXTENSION|MATERIALIZED\s+VIEW)\s+)IF\s+NOT\s+EXISTS\s+",
    ):
        statement = re.sub(rf"\A{words}", r"\1", statement, flags=re.IGNORECASE)
    return statement if statement.endswith(";") else f"{statement};"


def is_declared(entry: Entry, schema: Schema) -> bool:
    """Whether files declare what the entry stands for, or would if it were to stay."""
    match entry.kind:
        case "INDEX":
            on = re.search(r" ON (?:ONLY )?(\S+) ", entry.create)
            return on is not None and f"MATERIALIZED VIEW {on[1]}" in schema
        case "COMMENT":
            return bool(re.match(COMMENT, entry.create))
    return entry.kind in KINDS
