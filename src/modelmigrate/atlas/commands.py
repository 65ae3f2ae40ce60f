"""Atlas at work on this project: every call of the binary goes through `run_atlas()`."""

import os
import re
import subprocess
from urllib.parse import unquote, urlsplit

from modelmigrate import project
from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.sql.statements import split_statements

# Spelt in two halves: no template engine may mistake Atlas's own braces for its own.
SQL_FORMAT = "{" + '{ sql . "  " }' + "}"
INSPECT_FORMATS = {"json": ("--format", "{" + "{ json . }" + "}"), "hcl": ()}
# What Atlas says -> our exit code, and what to type next.
FAILURES = (
    (
        "checksum",
        Exit.HISTORY_BROKEN,
        "A migration was edited, added or removed by hand. Undo that, or, if it was meant and the"
        " file was never applied anywhere: make migrate-hash",
    ),
    (
        "out of order",
        Exit.HISTORY_BROKEN,
        "Rename the late file to a newer version, then: make migrate-hash",
    ),
    (
        "is not clean",
        Exit.REFUSED,
        "It has tables, and no record of migrations. If they were made by other means, take it over:"
        " make migrate-baseline",
    ),
    ("acquiring database lock", Exit.BUSY, "Another migration is running. Try again when it ends."),
)


def run_atlas(*arguments: str, **environment: str) -> str:
    """Run Atlas in the project and return what it printed.

    Raises:
        MigrateError: Atlas is missing or failed; its own words, without any password.
    """
    finished = subprocess.run(
        [atlas_binary(), *arguments],
        cwd=project.root(),
        env=os.environ | {"ATLAS_NO_UPDATE_NOTIFIER": "1"} | environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode == 0:
        return finished.stdout.strip()
    raise atlas_error(hide_passwords((finished.stderr or finished.stdout).strip(), environment))


def atlas_error(said: str) -> MigrateError:
    """What Atlas said, with what to type next."""
    said = re.sub(r"^Error: ", "", said, flags=re.MULTILINE).strip()
    for text, code, advice in FAILURES:
        if text in said:
            return MigrateError(f"{said}\n{advice}", code)
    return MigrateError(said)


def hide_passwords(text: str, environment: dict[str, str]) -> str:
    """The text with every password in the environment given replaced."""
    for name, value in environment.items():
        if password := value if name == "PGPASSWORD" else urlsplit(value).password:
            for spelling in (password, unquote(password)):
                text = text.replace(spelling, "****")
    return text


def inspect_schema(url: str, form: str) -> str:
    """The live schema at `url` in a form of Atlas's: `json` or `hcl`."""
    arguments = ("--env", "local", "--schema", "public", *INSPECT_FORMATS[form])
    return run_atlas("schema", "inspect", *arguments, DATABASE_URL=url)


def diff_databases(old: str, new: str) -> list[str]:
    """The statements that lead the schema `public` of one scratch database to that of another."""
    (old, environment), (new, _) = (_split_password(_tuned(_in_public(url))) for url in (old, new))
    plan = run_atlas(
        "schema", "diff", "--from", old, "--to", new, "--format", SQL_FORMAT, **environment
    )
    return [] if plan.startswith("Schemas are synced") else split_statements(plan)


def apply_to_scratch(url: str, count: int) -> None:
    """Apply the next migrations to a scratch database."""
    run_atlas("migrate", "apply", str(count), "--env", "local", DATABASE_URL=url)


def _in_public(url: str) -> str:
    """Tell Atlas to compare the schema `public` alone, so that names stay unqualified."""
    return f"{url}{'&' if '?' in url else '?'}search_path=public"


def _tuned(url: str) -> str:
    """Spare Atlas the plan that makes its queries slow where tables are many."""
    return f"{url}&options=-c%20enable_nestloop%3Doff"


def _split_password(url: str) -> tuple[str, dict[str, str]]:
    """The URL without its password, which goes into the environment: others can list processes."""
    password = urlsplit(url).password
    if not password:
        return url, {}
    bare = re.sub(r"^(\w+://[^:@/]*):[^@/]*@", r"\1@", url)
    return bare, {"PGPASSWORD": unquote(password)}
