"""Objects that models cannot declare: one `CREATE ...` in each .sql file of persistence/sql/."""

import re
from pathlib import Path
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.schema.diff import SchemaObject
from modelmigrate.sql.names import IDENTIFIER, QUALIFIED
from modelmigrate.sql.statements import shorten, split_statements, strip_comments

# Each kind of object, as `pg_dump` calls it, and the folder for it.
DECLARED_KINDS = {
    "DOMAIN": "domains",
    "EXTENSION": "extensions",
    "FUNCTION": "functions",
    "POLICY": "policies",
    "PROCEDURE": "procedures",
    "ROW SECURITY": "policies",
    "TRIGGER": "triggers",
    "VIEW": "views",
    "MATERIALIZED VIEW": "views",
}
CREATE_DECLARED = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+|RECURSIVE\s+|CONSTRAINT\s+)*"
    r"(?P<kind>DOMAIN|EXTENSION|FUNCTION|POLICY|PROCEDURE|TRIGGER|VIEW|MATERIALIZED\s+VIEW)\b",
    re.IGNORECASE,
)
# Statements that belong to a declared object, and may follow it in its file.
COMMENT_ON_DECLARED = (
    rf"COMMENT\s+ON\s+(?:(?:COLUMN|{'|'.join(DECLARED_KINDS)})\b".replace(" ", r"\s+")
    + rf"|CONSTRAINT\s+{IDENTIFIER}\s+ON\s+DOMAIN\b)"
)
ROW_SECURITY = r"(?:ENABLE|(?:NO\s+)?FORCE)\s+ROW\s+LEVEL\s+SECURITY"
COMPANION_STATEMENTS = {
    "domains": rf"ALTER\s+DOMAIN\s+{QUALIFIED}\s+ADD\b",
    "policies": rf"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?{QUALIFIED}\s+{ROW_SECURITY}(?:\s*,\s*{ROW_SECURITY})*\s*;?\Z",
    "triggers": r"ALTER\s+TABLE\s.*\s(?:ENABLE|DISABLE)\s(?:.*\s)?TRIGGER\b",
    "views": r"CREATE\s+(?:UNIQUE\s+)?INDEX\b",
}


class DeclaredObject(NamedTuple):
    """A file's statements: those that create its object, and those that do not belong there."""

    file: Path
    statements: list[str]
    refused: list[str]


def read_declared() -> list[DeclaredObject]:
    """The objects of all .sql files, in the order of their paths.

    Raises:
        MigrateError: a file cannot be read, or declares nothing, two objects, or one that belongs
            in another folder; or a statement declares nothing at all (exit code 3).
    """
    declared = [parse_declared(file) for file in sorted(project.sql_dir().rglob("*.sql"))]
    refused = [
        f"  {project.relative(each.file)}: {shorten(statement)}"
        for each in declared
        for statement in each.refused
    ]
    if refused:
        folder = project.relative(project.sql_dir())
        raise MigrateError(
            "\n".join([f"Files in {folder} cannot declare this:", *refused])
            + "\nNo file was written. Move each statement into a migration of its own,"
            f" migrations/<YYYYMMDDHHMMSS>_<name>.sql, then {project.command('hash')}."
            f" {project.command('drift')} compares what it creates.",
            Exit.REFUSED,
        )
    return declared


def parse_declared(file: Path) -> DeclaredObject:
    """The object of one .sql file.

    Raises:
        MigrateError: as for `read_declared`.
    """
    try:
        statements = split_statements(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise MigrateError(
            f"{project.relative(file)} cannot be read: {error}. No file was written."
        ) from None
    folder = file.parent.relative_to(project.sql_dir()).as_posix()
    objects, companions, refused = [], [], []
    for statement in statements:
        code = strip_comments(statement)
        create = CREATE_DECLARED.match(code)
        if create:
            own_folder = DECLARED_KINDS[" ".join(create["kind"].upper().split())]
            if own_folder != folder:
                raise MigrateError(
                    f"{project.relative(file)} creates a {create['kind'].lower()}: move it to"
                    f" {project.relative(project.sql_dir() / own_folder)}/. No file was written."
                )
            objects.append(without_or_replace(code))
        elif re.match(
            rf"{COMMENT_ON_DECLARED}|{COMPANION_STATEMENTS.get(folder, COMMENT_ON_DECLARED)}",
            code,
            re.IGNORECASE | re.DOTALL,
        ):
            companions.append(code)
        else:
            refused.append(code)
    if not statements:
        raise MigrateError(f"{project.relative(file)} is empty: delete it. No file was written.")
    if len(objects) > 1:
        raise MigrateError(
            f"{project.relative(file)} creates {len(objects)} objects: put each into a file of its"
            " own. No file was written."
        )
    return DeclaredObject(file, [*objects, *companions], refused)


def without_or_replace(statement: str) -> str:
    """Without OR REPLACE and IF NOT EXISTS, which would hide that two files create the same object."""
    for words in (
        r"(CREATE\s+)OR\s+REPLACE\s+",
        r"(CREATE\s+(?:EXTENSION|MATERIALIZED\s+VIEW)\s+)IF\s+NOT\s+EXISTS\s+",
    ):
        statement = re.sub(rf"\A{words}", r"\1", statement, flags=re.IGNORECASE)
    return statement if statement.endswith(";") else f"{statement};"


def is_declared(obj: SchemaObject) -> bool:
    """Whether an object is one that .sql files declare, not models."""
    match obj.kind:
        case "INDEX":
            return any(label.startswith("MATERIALIZED VIEW ") for label in obj.belongs_to)
        case "COMMENT":
            return bool(re.match(COMMENT_ON_DECLARED, obj.create_sql))
        case "CHECK CONSTRAINT":  # of a domain, where it is NOT VALID
            return any(label.startswith("DOMAIN ") for label in obj.belongs_to)
    return obj.kind in DECLARED_KINDS


def files_by_statements(declared: list[DeclaredObject]) -> dict[str, str]:
    """The path of each .sql file, by the text of its statements.

    Raises:
        MigrateError: two files have the same statements.
    """
    files: dict[str, str] = {}
    for each in declared:
        path, text = project.relative(each.file), "\n".join(each.statements)
        if text in files:
            raise MigrateError(
                f"{path} creates the same object as {files[text]}: delete one of them."
                " No file was written."
            )
        files[text] = path
    return files


def file_that_declares(name: str, files: dict[str, str]) -> str:
    """The file that declares a function, or all files that declare one of this name."""
    words = rf'\b(?:FUNCTION|PROCEDURE)\s+(?:\w+\.)?"?{re.escape(name)}"?\s*\('
    return (
        " or ".join(path for text, path in files.items() if re.search(words, text, re.IGNORECASE))
        or name
    )
