"""The commands behind the Makefile: `modelmigrate --help`."""

import argparse
import sys
from collections.abc import Callable
from typing import NamedTuple

from modelmigrate import branches, check, project
from modelmigrate.atlas import commands as atlas
from modelmigrate.atlas import directory
from modelmigrate.atlas.binary import binary
from modelmigrate.drift import detect
from modelmigrate.errors import Exit, ToolError
from modelmigrate.inspect import pages
from modelmigrate.lint import rules
from modelmigrate.migrations import apply, baseline, create, declare, down_files, rollback, status
from modelmigrate.postgres import environments, server
from modelmigrate.schema import dump
from modelmigrate.service import doctor


def atlas_path() -> str:
    try:
        return str(binary())
    except KeyboardInterrupt:
        print("interrupted. Nothing was left; the next run starts anew.", file=sys.stderr)
        raise


def db_start() -> str:
    environments.application_url()
    found = environments.status()
    return f"PostgreSQL {found.version} is up, from {found.source}"


def db_stop() -> str:
    stopped = [f"stopped the {what}" for what in server.stop()]
    return "\n".join(stopped) or "nothing was running for this project"


def migrate_create(m: str = "", rename: str | None = None) -> str:
    created = create.create(m, rename)
    texts = [file.read_text(encoding="utf-8") for file in created.files]
    written = [f"written: migrations/{file.name}, and down/{file.name}" for file in created.files]
    if not created.files:
        written = ["the models and the migrations agree: nothing to do"]
    return "\n".join([*texts, *created.notes, *written])


def migrate_hash() -> str:
    directory.require_migrations()
    directory.rehash()
    written = [f"written: migrations/down/{name}" for name in down_files.write_missing()]
    return "\n".join(["atlas.sum matches the migration files", *written])


def schema_inspect(env: str | None = None, form: str | None = None) -> str:
    url = environments.find(env).url
    if form in (None, "", "sql"):
        return "\n\n".join(entry.create for entry in dump.read(url).values())
    if form not in atlas.FORMS:
        raise ToolError(f"format={form} is none of sql, {', '.join(atlas.FORMS)}")
    return atlas.inspect(url, form)


def schema_viz(env: str | None = None) -> str:
    folder = project.root() / "docs" / "schema"
    written = pages.write(environments.find(env).url, folder)
    place = project.place(folder)
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
    "db-url": Command(environments.application_url, "print the development database's URL"),
    "migrate": Command(apply.migrate, "apply the pending migrations", ("env", "yes")),
    "migrate-create": Command(migrate_create, "write the next migration", ("m", "rename")),
    "migrate-dry-run": Command(status.dry_run, "print what migrate would run", ("env",)),
    "migrate-downgrade": Command(
        rollback.downgrade, "take back migrations", ("n", "to", "env", "dry", "yes", "allow-loss")
    ),
    "migrate-status": Command(status.status, "show what is applied and what is pending", ("env",)),
    "migrate-validate": Command(check.validate, "check the files and replay them from empty"),
    "migrate-lint": Command(
        rules.lint, "exit 3 when a migration drops what may be in use", ("base",)
    ),
    "migrate-hash": Command(migrate_hash, "accept the migration files as they are"),
    "migrate-check": Command(branches.check, "check that this branch can be merged", ("base",)),
    "migrate-rebase": Command(branches.rebase, "put this branch's files behind base's", ("base",)),
    "migrate-baseline": Command(
        baseline.baseline, "take over a database that was not made by these", ("env", "yes")
    ),
    "check": Command(check.agree, "exit 2 when the models and the migrations differ"),
    "schema-drift": Command(
        detect.drift,
        "exit 2 when a database is not what its migrations make",
        ("env", "against", "format", "fix", "yes", "allow-loss"),
    ),
    "schema-declare": Command(declare.declare, "write .sql files for what only migrations make"),
    "schema-inspect": Command(schema_inspect, "print the live schema", ("env", "format")),
    "schema-viz": Command(schema_viz, "draw the live schema into docs/schema", ("env",)),
    "doctor": Command(doctor.report, "show what is installed and how to mend what is not"),
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
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return Exit.OK
