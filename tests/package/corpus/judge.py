"""Runs cases as a user would, and says what came of them."""

import json
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import psycopg
import pytest

from modelmigrate.postgres.execute import execute_in_any_order
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized
from modelmigrate.sql.statements import split_statements, strip_comments
from tests.package.corpus import Case, numbered, parts_of
from tests.package.harness import (
    MATCHES,
    Project,
    Ran,
    begun_anew,
    connected,
    execute,
    roll_back,
)

SQL_FOLDER = "src/infrastructure/persistence/sql"
OURS = "n.nspname !~ '^(pg_|information_schema|atlas_schema_revisions)'"
TABLES = f"""
    SELECT format('%I.%I', n.nspname, relname), CASE relkind WHEN 'r' THEN 'ONLY' ELSE '' END
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND {OURS}"""
SEQUENCES = f"""
    SELECT CASE WHEN t.oid IS NULL THEN '' ELSE quote_ident(tn.nspname) || '.' || quote_ident(t.relname) END,
           coalesce(attname, ''),
           format('%I.%I', n.nspname, s.relname), pg_sequence_last_value(s.oid)
    FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace
    LEFT JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass
        AND d.refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND refobjsubid > 0
    LEFT JOIN pg_class t ON t.oid = refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
    LEFT JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
    WHERE s.relkind = 'S' AND {OURS}"""
COLUMNS = """
    SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
        AND attgenerated = ''"""

LATER_PART = re.compile(r"^-- Part (?!1 )", re.MULTILINE)


class WrongError(AssertionError):
    """Something else than what was expected: another schema, other values, no refusal."""


class CrashError(AssertionError):
    """A command ended otherwise than it should."""


class Contents(NamedTuple):
    """What a database holds beside its schema."""

    rows: dict[str, list[dict[str, Any]]]
    positions: dict[tuple[str, str], int | None]
    """By table and column, or by the sequence's own name."""


# --- what a user does ---


def declare(project: Project, statements: list[str]) -> None:
    """Models and files say this and nothing else."""
    folder = project.folder / SQL_FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    parts = parts_of(statements)
    text = "\n\n".join(parts.models)
    (project.folder / "schema.sql").write_text(text, encoding="utf-8")
    for number, (kind, text) in enumerate(parts.files):
        file = folder / kind / f"{99 - number}.sql"  # in the order that helps least
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def typed(project: Project, command: str, *, code: int = 0, **options: str | bool) -> Ran:
    """A command that ends with this exit code."""
    try:
        ran = project.run(command, **options)
    except Exception as error:
        raise CrashError(f"{command} {options}: {type(error).__name__}: {error}") from error
    if ran.code != code:
        raise CrashError(f"{command} {options} ended with {ran.code}, not {code}: {ran.said}")
    return ran


def in_order(statements: list[str]) -> list[str]:
    """Statements of a state in an order in which they can be run."""
    done: list[str] = []
    waiting = statements
    with scratch_database() as url, connected(url) as connection:
        connection.execute("SET check_function_bodies = off")
        while waiting:
            failed = {}
            for each in waiting:
                try:
                    connection.execute(each.encode())
                    done.append(each)
                except psycopg.Error as error:
                    failed[each] = str(error)
            if len(failed) == len(waiting):
                raise WrongError(f"the case's statements cannot be run: {failed}")
            waiting = list(failed)
    return done


def add_by_hand(project: Project, what: str, statements: list[str]) -> None:
    """A migration of these statements, by hand, with its down migration."""
    number = len(project.names())
    text = "\n-- next\n".join(["SET LOCAL check_function_bodies = off;", *statements])
    project.add(f"20000101{number:06}_{what}", f"-- atlas:delimiter -- next\n\n{text}")
    typed(project, "hash")


def begin(project: Project, live: str, cases: list[Case]) -> None:
    """The old models and files, their migrations applied, and the rows."""
    old = [each for case in cases for each in case.old]
    declare(project, old)
    if any(case.is_written_by_hand for case in cases):
        add_by_hand(project, "old", in_order(old))
        typed(project, "check")
    elif old:
        typed(project, "create", message="old")
    if project.names():
        typed(project, "apply", env="live", yes=True)
    for case in cases:
        try:
            execute(live, case.rows or "SELECT")
        except psycopg.Error as error:
            raise WrongError(f"the case's rows cannot be inserted: {error}") from error


def change(project: Project, cases: list[Case]) -> int:
    """The new models and files, and their migrations; how many they are, as `down` counts them."""
    names = project.names()
    declare(project, [each for case in cases for each in case.new])
    if by_hand := [each for case in cases for each in case.by_hand]:
        add_by_hand(project, "by_hand", by_hand)
    renames = ",".join(case.rename for case in cases if case.rename)
    answered(project, renames or ("none" if len(cases) > 1 else ""))
    typed(project, "check")
    new = [project.migrations / name for name in project.names() if name not in names]
    return sum(not LATER_PART.search(file.read_text(encoding="utf-8")) for file in new)


def answered(project: Project, rename: str) -> None:
    """Create, with an answer to what looks renamed, if there is one."""
    if rename:
        typed(project, "create", message="new", rename=rename)
    else:
        typed(project, "create", message="new")


# --- what is judged ---


def judge_as_migration(project: Project, cases: list[Case]) -> None:
    """Cases as migrations, side by side: there, and back.

    Raises:
        WrongError: it did not come out as expected.
        CrashError: a command failed, or refused what it should not.
    """
    cases = numbered(cases)
    with pytest.MonkeyPatch.context() as patch, begun_anew(project, patch):
        live = os.environ["LIVE_DATABASE_URL"]
        begin(project, live, cases)
        before_schema, before = read_schema(live), read_contents(live)
        if refused := next((case.refused for case in cases if case.refused), ""):
            require_refusal(project, cases, refused)
            return
        count = change(project, cases)
        if (count == 0) is not any(case.nothing for case in cases):
            raise WrongError(f"{count} migrations were written")
        applied = typed(project, "apply", env="live", yes=True)
        if MATCHES not in applied.said:
            raise WrongError(f"the database was not compared: {applied.said}")
        require_same(live, [each for case in cases for each in case.new])
        after = read_contents(live)
        exempt = names_in(case.changes for case in cases) | names_in(
            case.changes_for_good for case in cases
        )
        require_kept(before, after, renames_of(cases), exempt)
        require_inserts(live)
        named = taken_back(project, "live", count) if count else set()
        require_schema(before_schema, read_schema(live))
        lost = names_in(case.loss for case in cases)
        if missing := lost - named:
            raise WrongError(f"lost without a word: {missing}")
        for_good = names_in(case.changes_for_good for case in cases)
        now = read_contents(live)
        require_kept(before, now, {}, named | for_good)
        require_inserts(live)


def judge_as_drift(project: Project, cases: list[Case]) -> None:
    """Cases as changes by hand in a live database: named, adopted, there with and without the change,
    and back.

    Raises:
        WrongError, CrashError: as for `judge_as_migration`.
    """
    cases = numbered(cases)
    with pytest.MonkeyPatch.context() as patch, begun_anew(project, patch):
        live = os.environ["LIVE_DATABASE_URL"]
        begin(project, live, cases)
        changes = statements_by_hand(project, cases)
        before_schema = read_schema(live)
        with scratch_database(live) as clean:
            patch.setenv("CLEAN_DATABASE_URL", clean)
            with connected(live) as connection:
                for each in changes:
                    connection.execute(each.encode())
            by_hand = read_contents(live)
            found = typed(project, "drift", env="live", code=2)
            for case in cases:
                words = [word.strip('"') for word in (*case.names, *case.shared)]
                if not any(word in found.said for word in words):
                    raise WrongError(f"drift does not name {case.title}: {found.said}")
            if refused := next((case.adopt_refused for case in cases if case.adopt_refused), ""):
                ran = typed(project, "drift", env="live", fix="adopt", code=3)
                if refused not in ran.said:
                    raise WrongError(f"{refused!r} was not said: {ran.said}")
                return
            typed(project, "drift", env="live", fix="adopt")
            for env, url in (("live", live), ("clean", clean)):
                typed(project, "apply", env=env, yes=True)
                typed(project, "drift", env=env)
                if env == "live" and read_contents(live) != by_hand:
                    raise WrongError(
                        "adopting has changed values where the change was made already"
                    )
                require_inserts(url)
                taken_back(project, env)
                require_schema(before_schema, read_schema(url))


def statements_by_hand(project: Project, cases: list[Case]) -> list[str]:
    """What is typed into a live database: what the cases say, or what their migrations do."""
    files = {file: file.read_bytes() for file in project.migrations.rglob("*") if file.is_file()}
    names = project.names()
    if any(case.refused for case in cases):
        return [each for case in cases for each in case.by_hand]
    change(project, cases)
    texts = [
        (project.migrations / name).read_text(encoding="utf-8").replace("-- next\n", "")
        for name in project.names()
        if name not in names
    ]
    for file in project.migrations.rglob("*"):
        if file.is_file():
            file.unlink()
    for file, content in files.items():
        file.write_bytes(content)
    statements = [strip_comments(each) for text in texts for each in split_statements(text)]
    return [each.replace("SET LOCAL", "SET") for each in statements]


def taken_back(project: Project, env: str, steps: int = 1) -> set[str]:
    """What a rollback names as lost."""
    try:
        return roll_back(project, env, steps)
    except AssertionError as error:
        raise CrashError(str(error)) from None


def require_refusal(project: Project, cases: list[Case], refused: str) -> None:
    """The change is refused in these words, and nothing is written."""
    names = project.names()
    declare(project, [each for case in cases for each in case.new])
    answer = {"rename": case.rename} if (case := cases[0]).rename else {}
    ran = project.run("create", message="new", **answer)
    if ran.code not in (1, 3):
        raise WrongError(f"it was not refused: {ran.said}")
    if project.names() != names:
        raise WrongError("it was refused, and a file was written")
    if "Traceback" in ran.said:
        raise CrashError(ran.said)
    for word in refused.split(" | "):
        if word not in ran.said:
            raise WrongError(f"{word!r} was not said: {ran.said}")


def require_same(live: str, statements: list[str]) -> None:
    """The database is what these statements make of an empty one."""
    with scratch_database() as plain:
        failed = execute_in_any_order(plain, statements)
        if failed:
            raise WrongError(f"the case's statements cannot be run: {failed}")
        require_schema(read_schema(plain), read_schema(live))


def require_schema(expected: Schema, found: Schema) -> None:
    if diff(expected, found) and (changes := diff_normalized(expected, found)):
        told = ["\n".join([f"{each.how} {each.label}", *each.lines()]) for each in changes]
        raise WrongError("the schema differs (- expected, + found):\n" + "\n".join(told))


# --- values and positions ---


def read_contents(url: str) -> Contents:
    with connected(url) as connection:
        rows = {}
        for table, only in connection.execute(TABLES.encode()).fetchall():
            query = f"SELECT to_jsonb(the_row)::text FROM {only} {table} the_row"
            found = [
                json.loads(text, parse_int=str, parse_float=str)
                for (text,) in connection.execute(query.encode())
            ]
            rows[table.removeprefix("public.")] = found
        positions = {
            (table.removeprefix("public.") or sequence, column): at
            for table, column, sequence, at in connection.execute(SEQUENCES.encode()).fetchall()
        }
    return Contents(rows, positions)


def names_in(texts: Iterable[str]) -> set[str]:
    return {each.strip() for text in texts for each in text.split(",") if each.strip()}


def renames_of(cases: list[Case]) -> dict[str, str]:
    """The new name of each renamed table, and of each renamed column, which is named with its table; as
    SQL names them."""
    pairs = [pair.split(":") for pair in names_in(case.rename for case in cases) if ":" in pair]
    return {in_sql(old): in_sql(new) for old, new in pairs}


def in_sql(name: str) -> str:
    return f'"{name}"' if " " in name else name


def new_name(renames: dict[str, str], table: str, column: str = "") -> str:
    new_table = renames.get(table, table)
    if not column:
        return new_table
    found = (renames.get(f"{each}.{column}", column) for each in (table, new_table))
    return next((name for name in found if name != column), column).rpartition(".")[2]


def require_kept(
    before: Contents, after: Contents, renames: dict[str, str], exempt: set[str]
) -> None:
    """Every value and position that was there is there, in its row, but for what is exempt."""
    for table, rows in before.rows.items():
        new_table = new_name(renames, table)
        if {table, new_table} & exempt or not rows or new_table not in after.rows:
            continue
        new_rows = after.rows[new_table]
        if len(new_rows) != len(rows):
            raise WrongError(f"{table} has {len(new_rows)} rows, not {len(rows)}")
        columns = [
            (old, new)
            for old in rows[0]
            if (new := new_name(renames, table, old)) in new_rows[0]
            and not {f"{table}.{old}", f"{new_table}.{new}"} & exempt
        ]
        held, held_now = (
            sorted(json.dumps([as_text(row[pair[side]]) for pair in columns]) for row in found)
            for side, found in enumerate((rows, new_rows))
        )
        if held != held_now:
            raise WrongError(f"the rows of {table}: {columns}\n{held}\nare now\n{held_now}")
    for (table, column), at in before.positions.items():
        key = new_name(renames, table), new_name(renames, table, column) if column else ""
        if key in after.positions and after.positions[key] != at and table not in exempt:
            now = after.positions[key]
            raise WrongError(f"the sequence of {table} {column} was at {at}, and is at {now}")


def as_text(value: Any) -> Any:
    """A value as PostgreSQL prints it as text."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value


def require_inserts(live: str) -> None:
    """The next row of each table with a sequence can be inserted."""
    with scratch_database(live) as url, connected(url) as connection:
        found = connection.execute(SEQUENCES.encode()).fetchall()
        owned = [(table, column, sequence) for table, column, sequence, _ in found if table]
        for table, column, sequence in owned:
            automatic = {each for of, each, _ in owned if of == table}
            columns = [each for (each,) in connection.execute(COLUMNS, [table]).fetchall()]
            copied = ", ".join(f'"{each}"' for each in columns if each not in automatic)
            insert = f"INSERT INTO {table} ({copied}) SELECT {copied} FROM {table} LIMIT 1"
            try:
                if copied:
                    connection.execute(insert.encode())
            except psycopg.errors.UniqueViolation as error:
                if f"({column})" in str(error.diag.message_detail):
                    raise WrongError(f"the next insert fails: {error}") from error
            except psycopg.Error as error:
                with suppress(psycopg.Error):
                    connection.execute(f"SELECT nextval('{sequence}')".encode())
                    continue
                raise WrongError(f"the next insert fails: {error}") from error
