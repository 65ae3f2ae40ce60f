"""The commands behind the Makefile: `modelmigrate --help`."""

import argparse
import sys
from collections.abc import Callable
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.atlas.commands import INSPECT_FORMATS, inspect_schema
from modelmigrate.atlas.directory import require_migrations, update_checksums
from modelmigrate.branches import check_branch, rebase_branch
from modelmigrate.check import check_in_sync, validate_migrations
from modelmigrate.drift.detect import detect_drift
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.inspect.pages import write_diagrams
from modelmigrate.lint.rules import lint_migrations
from modelmigrate.migrations.apply import apply_pending
from modelmigrate.migrations.baseline import baseline_database
from modelmigrate.migrations.create import create_migrations
from modelmigrate.migrations.declare import declare_objects
from modelmigrate.migrations.down_files import write_missing_down_files
from modelmigrate.migrations.rollback import roll_back
from modelmigrate.migrations.status import show_pending, show_status
from modelmigrate.postgres.environments import development_url, find_environment, server_status
from modelmigrate.postgres.server import stop_servers
from modelmigrate.schema.dump import read_schema
from modelmigrate.service.doctor import diagnose


def atlas_path() -> str:
    try:
        return str(atlas_binary())
    except KeyboardInterrupt:
        print("interrupted. Nothing was left; the next run starts anew.", file=sys.stderr)
        raise


def db_start() -> str:
    development_url()
    found = server_status()
    return f"PostgreSQL {found.version} is up, from {found.source}"


def db_stop() -> str:
    stopped = [f"stopped the {what}" for what in stop_servers()]
    return "\n".join(stopped) or "nothing was running for this project"


def migrate_create(m: str = "", rename: str | None = None) -> str:
    created = create_migrations(m, rename)
    texts = [file.read_text(encoding="utf-8") for file in created.files]
    written = [f"written: migrations/{file.name}, and down/{file.name}" for file in created.files]
    if not created.files:
        written = ["the models and the migrations agree: nothing to do"]
    return "\n".join([*texts, *created.warnings, *written])


def migrate_hash() -> str:
    require_migrations()
    update_checksums()
    written = [f"written: migrations/down/{name}" for name in write_missing_down_files()]
    return "\n".join(["atlas.sum matches the migration files", *written])


def schema_inspect(env: str | None = None, form: str | None = None) -> str:
    url = find_environment(env).url
    if form in (None, "", "sql"):
        return "\n\n".join(entry.create_sql for entry in read_schema(url).values())
    if form not in INSPECT_FORMATS:
        raise MigrateError(f"format={form} is none of sql, {', '.join(INSPECT_FORMATS)}")
    return inspect_schema(url, form)


def schema_viz(env: str | None = None) -> str:
    folder = project.root() / "docs" / "schema"
    written = write_diagrams(find_environment(env).url, folder)
    place = project.relative(folder)
    return f"{len(written)} files written to {place}: open {place}/schema.svg"


class Command(NamedTuple):
    """A command line's verb, and the options that it takes."""

    run: Callable[..., str]
    help: str
    options: tuple[str, ...] = ()


# What each option is called in Python, and what it means.
OPTIONS: dict[str, tuple[str, str]] = {
    "allow-loss": ("allow_loss", "what rows may lose: users.bio,teams"),
    "against": ("against", "files (the default), models, or another environment"),
    "base": ("base", "the branch that this one will be merged into (origin/main)"),
    "dry": ("dry", "1: show the plan, change nothing"),
    "env": ("env", "the database of <ENV>_DATABASE_URL; the developer's own without it"),
    "fix": ("fix", "adopt: write a migration; revert: show the SQL that undoes it"),
    "format": ("form", "how to print it"),
    "m": ("m", "what the migration does, in a few words"),
    "n": ("n", "how many migrations (1)"),
    "rename": ("rename", "old:new for what was renamed, or none; several with commas"),
    "to": ("to", "the version to stay at"),
    "yes": ("yes", "1: change a deployed database without asking"),
}
SWITCHES = {"dry", "yes"}
COMMANDS = {
    "atlas": Command(atlas_path, "print the path of the Atlas binary, which is built when needed"),
    "db-start": Command(db_start, "start the development database"),
    "db-stop": Command(db_stop, "stop every server that was started for this project"),
    "db-url": Command(development_url, "print the development database's URL"),
    "migrate": Command(apply_pending, "apply the pending migrations", ("env", "yes")),
    "migrate-create": Command(migrate_create, "write the next migration", ("m", "rename")),
    "migrate-dry-run": Command(show_pending, "print what migrate would run", ("env",)),
    "migrate-downgrade": Command(
        roll_back, "take back migrations", ("n", "to", "env", "dry", "yes", "allow-loss")
    ),
    "migrate-status": Command(show_status, "show what is applied and what is pending", ("env",)),
    "migrate-validate": Command(validate_migrations, "check the files and replay them from empty"),
    "migrate-lint": Command(
        lint_migrations, "exit 3 when a migration drops what may be in use", ("base",)
    ),
    "migrate-hash": Command(migrate_hash, "accept the migration files as they are"),
    "migrate-check": Command(check_branch, "check that this branch can be merged", ("base",)),
    "migrate-rebase": Command(rebase_branch, "put this branch's files behind base's", ("base",)),
    "migrate-baseline": Command(
        baseline_database, "take over a database that was not made by these", ("env", "yes")
    ),
    "check": Command(check_in_sync, "exit 2 when the models and the migrations differ"),
    "schema-drift": Command(
        detect_drift,
        "exit 2 when a database is not what its migrations make",
        ("env", "against", "format", "fix", "yes", "allow-loss"),
    ),
    "schema-declare": Command(declare_objects, "write .sql files for what only migrations make"),
    "schema-inspect": Command(schema_inspect, "print the live schema", ("env", "format")),
    "schema-viz": Command(schema_viz, "draw the live schema into docs/schema", ("env",)),
    "doctor": Command(diagnose, "show what is installed and how to mend what is not"),
}


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="modelmigrate", description=__doc__)
    commands = whole.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        meaning = (command.run.__doc__ or command.help).partition("\n\n")[0]
        one = commands.add_parser(name, help=command.help, description=meaning)
        for option in command.options:
            destination, explained = OPTIONS[option]
            kind = switch if option in SWITCHES else str
            one.add_argument(f"--{option}", dest=destination, help=explained, type=kind)
    return whole


def switch(given: str) -> bool:
    return given not in ("", "0", "no", "false")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a failure becomes a message and its exit code (see `modelmigrate.errors`)."""
    given = {k: v for k, v in vars(parser().parse_args(arguments)).items() if v is not None}
    command = COMMANDS[given.pop("command")]
    try:
        print(command.run(**given))
    except MigrateError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return Exit.OK
