"""Where the project is, and what its pyproject.toml says about migrations."""

import functools
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from modelmigrate.errors import MigrateError


class Settings(NamedTuple):
    """`[tool.modelmigrate]`; the defaults suit a service that is in use while it is migrated."""

    lock_timeout: float = 5
    """Seconds that a statement waits for a lock, and others behind it, before it is tried again."""
    statement_timeout: float = 0
    """Seconds that a statement may run; 0 is without end."""
    wait: float = 60
    """Seconds to wait for another migration to end."""
    attempts: int = 5
    """How often a migration is tried when a lock, a deadlock or a lost connection stops it."""
    online: bool = True
    """Whether new migrations are written so that they block nobody for long; else they are shorter."""
    ignore: tuple[str, ...] = ()
    """Globs for what is no drift, such as "ACL *"."""
    models: str = "domain.models:Base"
    """The module of the models, and their declarative base in it."""
    source: str = "src"
    """The folder that the module is imported from."""
    idle_timeout: float = 60
    """Minutes that the project's own servers run while nobody is connected; 0 is without end."""
    lint: dict[str, Any] = {}  # noqa: RUF012 nobody changes it
    """`[tool.modelmigrate.lint]`: the levels of rules, as modelmigrate.lint.levels reads them."""


# What pyproject.toml may say for a setting of this type.
VALID: dict[object, Callable[[Any], bool]] = {
    bool: lambda value: isinstance(value, bool),
    float: lambda value: type(value) in (int, float) and value >= 0,
    int: lambda value: type(value) is int and value >= 1,
    str: lambda value: isinstance(value, str),
    dict[str, Any]: lambda value: isinstance(value, dict),
    tuple[str, ...]: lambda value: (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    ),
}


def root() -> Path:
    """The project's folder: that of `MODELMIGRATE_PROJECT` (`--project`), or the nearest one at or
    above the working directory that has `[tool.modelmigrate]` in its pyproject.toml, or atlas.hcl.

    Raises:
        MigrateError: there is none.
    """
    return _find(os.environ.get("MODELMIGRATE_PROJECT"), working_directory())


def working_directory() -> Path:
    """The directory that the program was started in.

    Raises:
        MigrateError: it was deleted.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise MigrateError("the working directory was deleted. Nothing was done.") from None


@functools.cache
def _find(chosen: str | None, start: Path) -> Path:
    if chosen:
        folder = start.joinpath(Path(chosen).expanduser()).resolve()
        if is_project(folder):
            return folder
        raise MigrateError(
            f"{folder}, which --project or MODELMIGRATE_PROJECT names, is no project: it has neither"
            " [tool.modelmigrate] in a pyproject.toml nor an atlas.hcl. Nothing was done."
        )
    folders = [start.resolve(), *start.resolve().parents]
    for folder in folders:
        if is_project(folder):
            return folder
    raise MigrateError(
        f"there is no project in {folders[0]} or above: no folder has [tool.modelmigrate] in its"
        " pyproject.toml, or an atlas.hcl. Nothing was done. Go to the project's folder, or name it:"
        " --project FOLDER"
    )


def is_project(folder: Path) -> bool:
    """Whether a folder says of itself that it is a project."""
    return (folder / "atlas.hcl").is_file() or "modelmigrate" in _tables(folder)


def migrations_dir() -> Path:
    """Where Atlas keeps the migrations and `atlas.sum`."""
    return root() / "migrations"


def down_dir() -> Path:
    """Where the down migrations are, each named like its migration."""
    return migrations_dir() / "down"


def sql_dir() -> Path:
    """Where objects are declared that models cannot say."""
    return root() / "src" / "infrastructure" / "persistence" / "sql"


def servers_dir() -> Path:
    """Where the project's own servers have their data; a copy of a project may use those of another one,
    which `MODELMIGRATE_SERVERS` names."""
    return Path(os.environ.get("MODELMIGRATE_SERVERS") or root()) / ".postgres"


def relative(file: Path) -> str:
    """A path of the project, as it is shown to people."""
    return file.relative_to(root()).as_posix()


def pyproject(folder: Path | None = None) -> dict[str, Any]:
    """The project's pyproject.toml; empty where there is none.

    Raises:
        MigrateError: it is no TOML.
    """
    file = (folder or root()) / "pyproject.toml"
    if not file.is_file():
        return {}
    import tomllib  # from 3.11 on; `setup` begins on older ones, too

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MigrateError(f"{file} cannot be read: {error}. Nothing was done.") from None


def _tables(folder: Path) -> dict[str, Any]:
    tables: dict[str, Any] = pyproject(folder).get("tool", {})
    return tables


def settings(folder: Path | None = None) -> Settings:
    """The settings of the project, or of the one in `folder`.

    Raises:
        MigrateError: one is unknown or of the wrong kind.
    """
    tables = _tables(folder or root())
    if "schema" in tables:
        raise MigrateError(
            "pyproject.toml: [tool.schema] is now called [tool.modelmigrate]. Nothing was done."
            " Rename the table."
        )
    known = {each.replace("_", "-"): each for each in Settings._fields}
    values: dict[str, Any] = {}
    for name, value in tables.get("modelmigrate", {}).items():
        if name not in known or not VALID[Settings.__annotations__[known[name]]](value):
            raise MigrateError(
                f"pyproject.toml: [tool.modelmigrate] {name} = {value!r} is not understood."
                f" Known: {', '.join(known)}"
            )
        values[known[name]] = tuple(value) if isinstance(value, list) else value
    return Settings(**values)


def diagrams_dir() -> Path:
    """Where the diagrams of the schema are drawn."""
    return root() / "docs" / "schema"


def site_dir() -> Path:
    """Where the documentation of the schema is written."""
    return root() / "site" / "schema"


def records_file() -> Path:
    """Where it is kept what migrations were seen to do."""
    return root() / ".cache" / "modelmigrate" / "records.json"


def load_environment() -> None:
    """Set what the project's .env says and the environment does not.

    Raises:
        MigrateError: there is no project, or its .env is no text.
    """
    from dotenv import load_dotenv  # `setup` begins where nothing is installed yet

    file = root() / ".env"
    try:
        load_dotenv(file)
    except UnicodeDecodeError as error:
        raise MigrateError(f"{file} cannot be read: {error}. Nothing was done.") from None


# --- what to type ---

# What the Makefile of a generated service calls our commands, where that is another name.
TARGETS = {
    "apply": "migrate",
    "drill": "deploy-drill",
    "down": "migrate-downgrade",
    **{
        name: f"migrate-{name}"
        for name in ("backfill", "baseline", "create", "hash", "lint", "status")
    },
    "validate": "migrate-validate",
    "branch check": "migrate-check",
    "branch rebase": "migrate-rebase",
    "branch report": "migrate-report",
    **{
        name: f"schema-{name}"
        for name in ("declare", "docs", "drift", "environments", "gate", "inspect", "viz")
    },
    **{f"db {name}": f"db-{name}" for name in ("start", "stop", "url")},
    **{f"template {name}": f"template-{name}" for name in ("check", "update")},
}
VARIABLES = {"batch-size": "batch", "dry-run": "dry", "steps": "n"}


def has_make_targets() -> bool:
    """Whether the project has a Makefile in front of these commands."""
    file = root() / "Makefile"
    return file.is_file() and "modelmigrate" in file.read_text(encoding="utf-8", errors="replace")


def option(name: str, value: object = True) -> str:
    """An option as it is typed here: `allow-loss=users.bio`, or `--allow-loss users.bio`."""
    if has_make_targets():
        return f"{VARIABLES.get(name, name)}={1 if value is True else _shell_word(value)}"
    return f"--{name}" if value is True else f"--{name} {_shell_word(value)}"


def command(verb: str, message: str = "", **options: object) -> str:
    """A command as it is typed here: `make migrate-create m="..."`, or `modelmigrate create "..."`;
    options that are None or empty are left out."""
    quoted = message and _shell_word(message)
    given = [option(name.replace("_", "-"), value) for name, value in options.items() if value]
    if has_make_targets():
        words = ["make", TARGETS.get(verb, verb), quoted and f"m={quoted}", *given]
    else:
        words = ["modelmigrate", verb, quoted, *given]
    return " ".join(filter(None, words))


def backfill(table: str, rows: dict[str, str]) -> str:
    """The command that fills a table: `set` and `where` are those of its rows."""
    if has_make_targets():
        return command("backfill", table=table, **rows)
    return command("backfill", table, **rows)


def _shell_word(value: object) -> str:
    """A value as a shell reads it back: in the double quotes that people type, where those do."""
    text = str(value)
    quoted = shlex.quote(text)
    return quoted if quoted == text or set(text) & set('"$`\\!') else f'"{text}"'


def name() -> str:
    """The project's name in its pyproject.toml, else that of its folder."""
    given: str = pyproject().get("project", {}).get("name", root().name)
    return given
