"""Atlas at work on this project: what it is called with, and what its failures mean."""

import os
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from modelmigrate import project
from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.atlas.refused_statements import require_runnable
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.isolation import for_client_of, isolated
from modelmigrate.sql.names import quote as quote_name
from modelmigrate.sql.statements import split_statements

# Where Atlas writes what was applied to a database.
REVISIONS_TABLE = "atlas_schema_revisions.atlas_schema_revisions"
CONFIG = Path(__file__).with_name("config.hcl")
# In two halves: no template engine may mistake Atlas's own braces for its own.
SQL_FORMAT = "{" + '{ sql . "  " }' + "}"
INSPECT_FORMATS = {"json": ("--format", "{" + "{ json . }" + "}"), "hcl": ()}

# The driver of Atlas ends with a panic where one of these is set: those that would mean something ...
REFUSED = {"PGHOSTADDR", "PGREALM", "PGREQUIREPEER", "PGREQUIRESSL", "PGSERVICE", "PGSSLCRL"}
# ... and those that would not, beside an encoding that is not its own.
MEANINGLESS = {"PGSERVICEFILE", "PGSYSCONFDIR", "PGLOCALEDIR", "PGGSSLIB", "PGKRBSRVNAME"} | {
    "PGCLIENTENCODING"
}


class Failure(NamedTuple):
    """What Atlas says, our exit code for it, and what to do, with the command in {}."""

    words: str
    code: Exit
    hint: str
    command: str = ""


FAILURES = (
    Failure(
        "checksum",
        Exit.HISTORY_MISMATCH,
        "A migration file was modified, added or removed by hand. Restore it; or, if the change is"
        " intended and the file was never applied anywhere, accept it: {}",
        "hash",
    ),
    Failure(
        "out of order",
        Exit.HISTORY_MISMATCH,
        "Rename the file that is out of order to a newer version, then: {}",
        "hash",
    ),
    Failure(
        "is not clean",
        Exit.REFUSED,
        "The database has tables and no revision table. If they were created by other means,"
        " baseline it: {}",
        "baseline",
    ),
    Failure(
        "acquiring database lock", Exit.BUSY, "Another migration is running. Retry when it ends."
    ),
)


def without_escapes(text: str) -> str:
    """A text as it was before Go has written it between double quotes."""
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text)


# What Atlas says of its own work, in words of ours; what PostgreSQL says of a statement stays.
NOT_PLANNED = "Atlas has no statements for this change of"
IN_OUR_WORDS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (
        r'sql/migrate: executing statement "(.*)" from version "(\S+)": (?:pq: )?(.*)',
        lambda found: f"migration {found[2]}: {found[3]}\n  {without_escapes(found[1])}",
    ),
    (r"\nsql/migrate: write revision: pq: current transaction is aborted.*", ""),
    (
        r'sql/migrate: scanning statements from "(.*?)": (\d+):(\d+): (.*)',
        r"migrations/\1: line \2, column \3: \4",
    ),
    (
        r'changing the generation expression for a column "(.*?)" is not supported',
        r"Column \1 is stored as it was computed. Drop it, and add it with the new expression.",
    ),
    (
        r'changing column "(.*?)" to generated column is not supported.*',
        r"Column \1 has values of its own. Drop it, and add it as a generated column.",
    ),
    (
        r'partition key (?:cannot be (?:added to|dropped from)|of table) "(.*?)".*',
        r"Table \1 cannot be partitioned otherwise while it stays. Make another one, and move the rows.",
    ),
    (
        r'NOT NULL constraint is required for (\S+) column "(.*?)"',
        r"Column \2 is of type \1, and so it must be NOT NULL.",
    ),
    (
        r'(?:template: format:\S+ executing .*? error calling sql: )(?:reverse )?alter table "(.*?)": .*',
        rf"{NOT_PLANNED} table \1.",
    ),
    (r"template: format:\S+ executing .*", f"{NOT_PLANNED} the schema."),
    (r"\Asql/migrate: ", ""),
)


def command_line(*arguments: str) -> list[str]:
    """The words of a call of Atlas with the package's own configuration.

    It is named by a relative path: Atlas takes the drive of an absolute one for a host.
    """
    config = Path(os.path.relpath(CONFIG, project.root())).as_posix()
    return [
        str(atlas_binary()),
        *arguments,
        *("--config", f"file://./{quote(config)}", "--env", "modelmigrate"),
    ]


def environment(**variables: str) -> dict[str, str]:
    """The environment of a call of Atlas; the database is named by `DATABASE_URL`.

    Raises:
        MigrateError: what is set for libpq means another database to Atlas, or another safety.
    """
    variables["ATLAS_NO_UPDATE_NOTIFIER"] = "1"
    if "DATABASE_URL" not in variables:
        return isolated(**variables)
    found = for_client_of(variables["DATABASE_URL"], **variables)
    if refused := sorted(REFUSED & found.keys()):
        raise MigrateError(
            f"{', '.join(refused)}: Atlas connects without libpq, and takes all but this from its"
            " variables. Nothing was changed. Unset it, and say in the URL itself where the database is."
        )
    return {name: value for name, value in found.items() if name not in MEANINGLESS}


def run_atlas(*arguments: str, **variables: str) -> str:
    """Run Atlas in the project and return what it printed.

    Raises:
        MigrateError: Atlas is missing or failed; its own words, without any password.
    """
    finished = subprocess.run(
        command_line(*arguments),
        cwd=project.root(),
        env=environment(**variables),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode == 0:
        return finished.stdout.strip()
    raise atlas_error(hide_passwords((finished.stderr or finished.stdout).strip(), variables))


def atlas_error(output: str) -> MigrateError:
    """What Atlas said, with what to type next."""
    output = re.sub(r"^Error: ", "", output, flags=re.MULTILINE).strip()
    for pattern, words in IN_OUR_WORDS:
        output = re.sub(pattern, words, output)
    for failure in FAILURES:
        if failure.words in output:
            hint = failure.hint.format(project.command(failure.command))
            return MigrateError(f"{output}\n{hint}", failure.code)
    return MigrateError(output)


def hide_passwords(text: str, variables: dict[str, str]) -> str:
    """The text with every password in the given environment variables replaced."""
    for name, value in variables.items():
        if password := value if name == "PGPASSWORD" else urlsplit(value).password:
            for spelling in (password, unquote(password)):
                text = text.replace(spelling, "****")
    return text


def inspect_schema(url: str, form: str, schemas: Iterable[str]) -> str:
    """These schemas of the database at `url` in a format of Atlas's: `json` or `hcl`.

    Raises:
        MigrateError: it is another format, or Atlas failed.
    """
    if form not in INSPECT_FORMATS:
        known = ", ".join(INSPECT_FORMATS)
        raise MigrateError(f"{project.option('format', form)} is none of sql, {known}")
    return run_atlas(
        "schema", "inspect", *_options(schemas), *INSPECT_FORMATS[form], DATABASE_URL=url
    )


def diff_databases(
    current_url: str, desired_url: str, schemas: Iterable[str], names: Iterable[str]
) -> list[str]:
    """The statements that lead these schemas of one scratch database to those of another. Where it is
    `public` alone, names have no schema in them. `names` are those that hold quotes or backslashes."""
    scope = sorted({"public", *schemas})
    (current, variables), (desired, _) = (
        _split_password(_tuned(url if scope[1:] else _in_public(url)))
        for url in (current_url, desired_url)
    )
    plan = run_atlas(
        *("schema", "diff", "--from", current, "--to", desired, "--format", SQL_FORMAT),
        *(_options(scope) if scope[1:] else ()),
        DATABASE_URL=current,
        **variables,
    )
    # Atlas does not double the quotes inside of names; in some statements it writes them as Go does.
    for name in sorted({*names}, key=len, reverse=True):
        of_go = name.replace("\\", "\\\\").replace('"', '\\"')
        for spelling in (name, of_go):
            plan = plan.replace(f'"{spelling}"', quote_name(name))
    return [] if plan.startswith("Schemas are synced") else split_statements(plan)


def _options(schemas: Iterable[str]) -> list[str]:
    # Each value is read as a line of CSV, in which quotes are what they are in SQL.
    return [word for name in sorted(schemas) for word in ("--schema", quote_name(name))]


def apply_to_scratch(url: str, count: int) -> None:
    """Apply the next `count` migrations to a scratch database.

    Raises:
        MigrateError: one of them cannot be applied, or a file has a statement that is refused.
    """
    require_runnable()
    run_atlas("migrate", "apply", str(count), DATABASE_URL=url)


def set_revision(url: str, version: str) -> None:
    """Write into the revision table that a database is at this version; nothing is applied."""
    run_atlas("migrate", "set", version, DATABASE_URL=url)


def _in_public(url: str) -> str:
    """Tell Atlas to compare the schema `public` alone, so that names stay unqualified."""
    return f"{url}{'&' if '?' in url else '?'}search_path=public"


def _tuned(url: str) -> str:
    """Spare Atlas the query plan that is slow where tables are many."""
    return f"{url}{'&' if '?' in url else '?'}options=-c%20enable_nestloop%3Doff"


def _split_password(url: str) -> tuple[str, dict[str, str]]:
    """The URL without its password, which goes into the environment: others can list processes."""
    password = urlsplit(url).password
    if not password:
        return url, {}
    bare = re.sub(r"^(\w+://[^:@/]*):[^@/]*@", r"\1@", url)
    return bare, {"PGPASSWORD": unquote(password)}
