"""The commands behind the Makefile: `python -m tools.schema --help`."""

import argparse
import sys
from collections.abc import Callable
from typing import NamedTuple

from tools.errors import Exit, ToolError
from tools.schema import atlas, doctor, postgres, server


def db_start() -> str:
    postgres.application_url()
    found = postgres.status()
    return f"PostgreSQL {found.version} is up, from {found.source}"


def db_stop() -> str:
    stopped = [f"stopped the {what}" for what in server.stop()]
    return "\n".join(stopped) or "nothing was running for this project"


def migrate() -> str:
    return atlas.migrate(postgres.application_url())


def migrate_create(message: str) -> str:
    created = atlas.create(message)
    if created is None:
        return "the models and the migrations agree: nothing to do"
    return f"{created.read_text(encoding='utf-8')}\nwritten: migrations/{created.name}"


def migrate_status() -> str:
    return atlas.status(postgres.application_url())


def migrate_validate() -> str:
    atlas.validate()
    return "the migrations are whole and replay from an empty database"


def migrate_hash() -> str:
    atlas.rehash()
    return "atlas.sum matches the migration files"


def check() -> str:
    if missing := atlas.plan():
        raise ToolError(
            f"the models say more than the migrations:\n{missing}\n"
            'Nothing was written. Write it down: make migrate-create m="what changed"',
            Exit.DRIFT,
        )
    return "the models and the migrations agree"


def schema_inspect() -> str:
    return atlas.inspect(postgres.application_url())


class Command(NamedTuple):
    """A command line's verb."""

    run: Callable[..., str]
    help: str
    argument: str | None = None


COMMANDS = {
    "db-start": Command(db_start, "start the development database"),
    "db-stop": Command(db_stop, "stop every server that was started for this project"),
    "db-url": Command(postgres.application_url, "print the development database's URL"),
    "migrate": Command(migrate, "apply the pending migrations"),
    "migrate-create": Command(migrate_create, "write the next migration", "message"),
    "migrate-status": Command(migrate_status, "show what is applied and what is pending"),
    "migrate-validate": Command(migrate_validate, "check the files and replay them from empty"),
    "migrate-hash": Command(migrate_hash, "accept the migration files as they are"),
    "check": Command(check, "exit 2 when the models and the migrations differ"),
    "schema-inspect": Command(schema_inspect, "print the live schema as SQL"),
    "doctor": Command(doctor.report, "show what is installed and how to mend what is not"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a failure becomes a message and its exit code (see `tools.errors`)."""
    parser = argparse.ArgumentParser(prog="python -m tools.schema", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(name, help=command.help)
        if command.argument:
            subparser.add_argument(command.argument)
    given = vars(parser.parse_args(arguments))
    command = COMMANDS[given.pop("command")]
    try:
        print(command.run(*given.values()))
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
