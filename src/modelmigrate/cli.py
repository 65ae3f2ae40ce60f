"""The command line: `modelmigrate --help`.

Each command imports the rooms that it needs, so that every one of them starts at once.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError

INTERRUPTED = 130

app = typer.Typer(
    name="modelmigrate",
    epilog="Exit codes: 0 ok, 1 error, 2 drift, 3 refused, 4 history mismatch, 5 busy.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
branch = typer.Typer(help="Branches that both add migrations.", no_args_is_help=True)
db = typer.Typer(help="The development database.", no_args_is_help=True)
template = typer.Typer(help="Later versions of the template.", no_args_is_help=True)
app.add_typer(branch, name="branch")
app.add_typer(db, name="db")
app.add_typer(template, name="template")

Environment = Annotated[
    str | None,
    typer.Option("--env", help="The database of <ENV>_DATABASE_URL. [default: the local one]"),
]
Base = Annotated[
    str, typer.Option(help="The branch that this one will be merged into.", metavar="BRANCH")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Change a deployed database without asking.")]
AllowLoss = Annotated[
    str | None,
    typer.Option(help="The data that may be lost: users.bio,teams", metavar="NAMES"),
]
To = Annotated[
    str | None, typer.Option(help="A branch, tag or commit of the template.", metavar="NAME")
]


def example(*lines: str) -> str:
    """Examples as the end of a command's help."""
    return "\n".join(["\b", "Examples:", *(f"  modelmigrate {line}" for line in lines)])


def show_version(wanted: bool) -> None:
    """Print the version of the package, and end."""
    if wanted:
        from importlib.metadata import version

        print(f"modelmigrate {version('modelmigrate')}")
        raise typer.Exit


@app.callback()
def prepare(
    folder: Annotated[
        Path | None,
        typer.Option(
            "--project",
            envvar="MODELMIGRATE_PROJECT",
            help="The project's folder. [default: found from the working directory]",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Migrations derived from SQLAlchemy models by free Atlas."""
    if folder is not None:
        os.environ["MODELMIGRATE_PROJECT"] = str(project.working_directory() / folder.expanduser())
    try:
        project.root()
    except MigrateError:
        return  # the command itself says so, if it needs a project
    project.load_environment()


# --- migrations ---


@app.command(
    epilog=example('create "add user bio"', 'create "nickname" --rename users.nick:nickname')
)
def create(
    message: Annotated[str, typer.Argument(help="What the migration does, in a few words.")] = "",
    rename: Annotated[
        str | None,
        typer.Option(help="What was renamed: table.old:new, or none.", metavar="OLD:NEW"),
    ] = None,
    expand: Annotated[
        bool, typer.Option("--expand", help="Keep what older code needs, until --contract.")
    ] = False,
    contract: Annotated[
        bool, typer.Option("--contract", help="Drop what --expand has kept.")
    ] = False,
) -> str:
    """Write the next migration, up and down, from the models."""
    from modelmigrate.lint.phases import statements_that_can_wait
    from modelmigrate.lint.refresh import first_look
    from modelmigrate.lint.run import warnings_of
    from modelmigrate.migrations.create import create_migrations
    from modelmigrate.migrations.prove import Lint

    lint = Lint(first_look, statements_that_can_wait, warnings_of)
    return create_migrations(message, rename, lint, expand=expand, contract=contract).report


@app.command(epilog=example("apply", "apply --dry-run", "apply --env staging --phase expand --yes"))
def apply(
    env: Environment = None,
    phase: Annotated[
        str | None,
        typer.Option(help="What the gate allows: expand or contract. [default: all]"),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> str:
    """Apply the pending migrations, then verify the schema."""
    from modelmigrate.delivery.gate import Gate, open_gate
    from modelmigrate.migrations.target import find_target

    target = find_target(env)
    gate = open_gate(target, phase) if phase else Gate([], [])
    if dry_run:
        from modelmigrate.migrations.status import show_pending

        result = show_pending(target, gate.held_back)
    else:
        from modelmigrate.migrations.apply import apply_pending

        result = apply_pending(target, gate.held_back, yes=yes)
    return "\n".join(filter(None, [result, gate.note]))


@app.command(epilog=example("gate --phase expand", "gate --env production --phase contract"))
def gate(
    phase: Annotated[str, typer.Option(help="expand: before a rollout. contract: after it.")],
    env: Environment = None,
) -> str:
    """Exit with 3 when pending migrations may not be applied now."""
    from modelmigrate.delivery.gate import ask_gate
    from modelmigrate.migrations.target import find_target

    return ask_gate(find_target(env), phase)


@app.command(epilog=example("down", "down --steps 2 --dry-run", "down --to 20260102030405"))
def down(
    steps: Annotated[
        int | None,
        typer.Option(help="How many to roll back; all files of one `create` are one. [default: 1]"),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="The version to roll back to.", metavar="VERSION")
    ] = None,
    env: Environment = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    allow_loss: AllowLoss = None,
) -> str:
    """Roll back the last create, by its verified down migrations."""
    from modelmigrate.migrations.rollback import roll_back
    from modelmigrate.migrations.target import find_target

    return roll_back(find_target(env), steps, to, allow_loss, dry_run=dry_run, yes=yes)


@app.command(epilog=example("status", "status --env production"))
def status(env: Environment = None) -> str:
    """Show which migrations are applied and which are pending."""
    from modelmigrate.migrations.status import show_status
    from modelmigrate.migrations.target import find_target

    return show_status(find_target(env))


@app.command(epilog=example("validate"))
def validate() -> str:
    """Check the migration files, and replay them from empty."""
    from modelmigrate.check import validate_migrations

    return validate_migrations()


@app.command(epilog=example("lint", "lint --base origin/main", "lint --explain drop-column"))
def lint(
    base: Annotated[
        str | None,
        typer.Option(help="Look at all that this branch adds to another one.", metavar="BRANCH"),
    ] = None,
    latest: Annotated[
        int | None,
        typer.Option(min=1, help="Look at so many files. [default: those of the newest create]"),
    ] = None,
    env: Annotated[
        str | None,
        typer.Option(help="The levels of an environment, and the sizes of its tables."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="text, json, github, gitlab or markdown. [default: text]"),
    ] = None,
    rule: Annotated[
        str | None, typer.Option("--explain", help="Explain a rule, or all.", metavar="RULE")
    ] = None,
) -> str:
    """Exit with 3 when a migration may harm data or programs."""
    if rule:
        from modelmigrate.lint.explain import explain

        return explain(rule)
    from modelmigrate.lint.run import lint_migrations

    return lint_migrations(base, latest, env, form)


@app.command("hash", epilog=example("hash"))
def accept() -> str:
    """Accept the migration files. Rewrites atlas.sum, and adds missing down migrations."""
    from modelmigrate.migrations.down_files import write_missing_down_files
    from modelmigrate.migrations.files import accept_files

    accept_files()
    written = [f"written: migrations/down/{name}" for name in write_missing_down_files()]
    return "\n".join(["atlas.sum matches the migration files", *written])


@app.command(epilog=example("check"))
def check() -> str:
    """Exit with 2 when the models and the migrations differ."""
    from modelmigrate.check import check_in_sync

    return check_in_sync()


@app.command(epilog=example("baseline", "baseline --env production --yes"))
def baseline(env: Environment = None, yes: Yes = False) -> str:
    """Manage a database that these migrations did not make."""
    from modelmigrate.migrations.baseline import baseline_database
    from modelmigrate.migrations.target import find_target

    return baseline_database(find_target(env), yes=yes)


@app.command(
    epilog=example(
        """backfill users --set "nick = username" --where "nick IS NULL" --dry-run""",
        """backfill users --set "nick = username" --where "nick IS NULL" --pause 0.1""",
    )
)
def backfill(
    table: Annotated[str, typer.Argument(help="The table, as SQL names it: users, sales.orders.")],
    assignments: Annotated[
        str, typer.Option("--set", help="What the columns become.", metavar="'COLUMN = EXPRESSION'")
    ],
    where: Annotated[
        str,
        typer.Option(help="Which rows; false once they are updated.", metavar="CONDITION"),
    ],
    batch_size: Annotated[int, typer.Option(help="Rows in a transaction.", min=1)] = 1000,
    pause: Annotated[
        float,
        typer.Option(help="Seconds between batches, for replicas and vacuum to keep up.", min=0),
    ] = 0,
    env: Environment = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> str:
    """Update rows in batches, each in a short transaction. Can be stopped and repeated."""
    from modelmigrate.migrations.backfill import backfill_table
    from modelmigrate.migrations.target import find_target

    target, rows = find_target(env), (table, assignments, where)
    return backfill_table(target, *rows, batch_size, pause, dry_run=dry_run, yes=yes)


@app.command("drill", epilog=example("drill"))
def drill() -> str:
    """Deploy two versions under load, on this machine. One fails, and is taken back."""
    from modelmigrate.delivery.drill.run import deploy_drill

    return deploy_drill()


# --- schema ---


@app.command(epilog=example("drift", "drift --env production --format json", "drift --fix adopt"))
def drift(
    env: Environment = None,
    against: Annotated[
        str | None,
        typer.Option(help="files, models, or another environment. [default: files]"),
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="text, json or github. [default: text]")
    ] = None,
    fix: Annotated[
        str | None,
        typer.Option(help="adopt: write a migration. revert: show the SQL that undoes it."),
    ] = None,
    yes: Yes = False,
    allow_loss: AllowLoss = None,
) -> str:
    """Exit with 2 when a database differs from its migrations."""
    from modelmigrate.drift.detect import detect_drift
    from modelmigrate.migrations.target import find_target

    return detect_drift(find_target(env), against, form, fix, allow_loss, yes=yes)


@app.command(epilog=example("environments", "environments --env staging,production"))
def environments(
    env: Annotated[
        str | None,
        typer.Option(help="Their names, with commas. [default: all <ENV>_DATABASE_URL]"),
    ] = None,
) -> str:
    """Show the version and the drift of all environments. Prints a Markdown table."""
    from modelmigrate.drift.environments import compare_environments

    return compare_environments(env)


@app.command(epilog=example("declare"))
def declare() -> str:
    """Write .sql files for the objects that only migrations make."""
    from modelmigrate.migrations.declare import declare_objects

    return declare_objects()


@app.command("inspect", epilog=example("inspect", "inspect --env staging --format hcl"))
def show_schema(
    env: Environment = None,
    form: Annotated[
        str | None, typer.Option("--format", help="sql, json or hcl. [default: sql]")
    ] = None,
) -> str:
    """Print the schema of a database."""
    from modelmigrate.atlas.commands import inspect_schema
    from modelmigrate.postgres.environments import find_environment
    from modelmigrate.schema.catalog import user_schemas
    from modelmigrate.schema.dump import read_schema

    url = find_environment(env).url
    if form in (None, "", "sql"):
        return "\n\n".join(each.create_sql for each in read_schema(url).values())
    return inspect_schema(url, form, user_schemas(url))


@app.command(epilog=example("viz"))
def viz(env: Environment = None) -> str:
    """Draw the schema of a database into docs/schema."""
    from modelmigrate.inspect.pages import write_diagrams
    from modelmigrate.postgres.environments import find_environment

    folder = project.diagrams_dir()
    written = write_diagrams(find_environment(env).url, folder)
    place = project.relative(folder)
    return f"{len(written)} files written to {place}: open {place}/schema.svg"


@app.command(epilog=example("docs", "docs --since 20260102030405", "docs --check --comments 80"))
def docs(
    since: Annotated[
        str | None,
        typer.Option(
            help="Show what changed after this version. [default: the newest create]",
            metavar="VERSION",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing. Exit with 2 when the site is stale.")
    ] = False,
    comments: Annotated[
        int | None,
        typer.Option(
            help="Exit with 3 when fewer tables and columns have comments.",
            min=0,
            max=100,
            metavar="PERCENT",
        ),
    ] = None,
) -> str:
    """Write a site about the schema into site/schema."""
    from modelmigrate.inspect.site.build import document_schema

    return document_schema(since, comments, check=check)


# --- branches ---


@branch.command("check", epilog=example("branch check --base origin/main"))
def check_branch(base: Base = "origin/main") -> str:
    """Check that this branch can be merged. It may only add migrations newer than those of base."""
    from modelmigrate import branches

    return branches.check_branch(base)


@branch.command("rebase", epilog=example("branch rebase --base origin/main"))
def rebase_branch(base: Base = "origin/main") -> str:
    """Give this branch's migrations versions after those of base."""
    from modelmigrate import branches

    return branches.rebase_branch(base)


@branch.command("report", epilog=example("branch report --base origin/main"))
def report_branch(base: Base = "origin/main") -> str:
    """Tell what this branch changes, as Markdown with diagrams."""
    from modelmigrate.inspect import branch_report

    return branch_report.report_branch(base or "origin/main")


# --- servers and tools ---


@db.command("start", epilog=example("db start"))
def start_database() -> str:
    """Start the development database."""
    from modelmigrate.postgres.environments import development_url, server_status

    development_url()
    found = server_status()
    return f"PostgreSQL {found.version} is up, from {found.source}"


@db.command("stop", epilog=example("db stop"))
def stop_database() -> str:
    """Stop every server that was started for this project."""
    from modelmigrate.postgres.server import stop_servers

    stopped = [f"stopped the {what}" for what in stop_servers()]
    return "\n".join(stopped) or "nothing was running for this project"


@db.command("url", epilog=example("db url", "db url | xargs psql"))
def show_url() -> str:
    """Print the URL of the development database, which is started for it."""
    from modelmigrate.postgres.environments import development_url

    return development_url()


@app.command(epilog=example("atlas"))
def atlas() -> str:
    """Print the path of the Atlas binary. It is built when there is none."""
    from modelmigrate.atlas.binary import atlas_binary

    try:
        return str(atlas_binary())
    except KeyboardInterrupt:
        print("interrupted. Nothing was left; the next run starts anew.", file=sys.stderr)
        raise


@app.command(epilog=example("doctor"))
def doctor() -> str:
    """Show what is installed, and how to fix what is not."""
    from modelmigrate.service.doctor import diagnose

    return diagnose()


@app.command(epilog=example("setup"))
def setup(
    no_commit: Annotated[bool, typer.Option("--no-commit", help="Leave git alone.")] = False,
    workspace: Annotated[bool, typer.Option("--workspace", help="Join uv's workspace.")] = False,
) -> int:
    """Make a checkout ready. Adds settings, dependencies, Atlas and the first migration."""
    from modelmigrate.service.setup import set_up

    return set_up(commit=not no_commit, as_member=workspace)


# --- template ---


@template.command("check", epilog=example("template check", "template check --to v0.2.0"))
def check_template(to: To = None) -> int:
    """Exit with 2 when there is a newer template. Shows what it would change."""
    from modelmigrate.service.update import run_command

    return run_command("check", to)


@template.command("update", epilog=example("template update", "template update --to v0.2.0"))
def update_template(
    to: To = None,
    no_check: Annotated[bool, typer.Option("--no-check", help="Leave out its check.")] = False,
) -> int:
    """Merge the newest template into the project, uncommitted."""
    from modelmigrate.service.update import run_command

    return run_command("update", to, checked=not no_check)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a failure becomes a message and its exit code (see `modelmigrate.errors`)."""
    try:
        result = app(args=arguments, prog_name="modelmigrate", standalone_mode=False)
    except (MigrateError, OSError, ImportError) as error:  # a full disk, a noexec mount
        print(f"error: {error}", file=sys.stderr)
        return error.code if isinstance(error, MigrateError) else Exit.ERROR
    except TyperException as error:
        error.show()  # type: ignore[attr-defined]  # it says what is wrong, and how to get help
        if type(error).__name__ != "NoArgsIsHelpError":  # which is the help, and private
            print("Nothing was changed.", file=sys.stderr)
        return Exit.ERROR
    if isinstance(result, str):
        print(result)
        return Exit.OK
    if result == INTERRUPTED:
        print("stopped. Repeat the command to go on.", file=sys.stderr)
    return int(result or Exit.OK)
