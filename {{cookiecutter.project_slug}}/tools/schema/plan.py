"""The SQL that leads from one schema to another, found by doing it on a scratch database.

Atlas plans what changes inside tables and enums. Everything else is made and removed by the very
statements that `pg_dump` writes for it, in the order that works. A plan counts only when the dumps
are the same in the end.
"""

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from tools.errors import Exit, ToolError
from tools.schema import atlas, catalog, dump, postgres, replay
from tools.schema.dump import Entry, Schema
from tools.schema.replay import error_of
from tools.schema.sql import code, in_short, unquoted

# What `pg_dump` knows no DROP for: the part of its statement to replace, and by what.
INVERSE = {
    "COMMENT": (r" IS .*;\Z", " IS NULL;"),
    "ROW SECURITY": (r" ENABLE ", " DISABLE "),
    "SEQUENCE": (r" ADD GENERATED .*", " DROP IDENTITY IF EXISTS;"),
    "SEQUENCE OWNED BY": (r" OWNED BY .*", " OWNED BY NONE;"),
    "TABLE ATTACH": (r"ALTER TABLE ONLY (.*) ATTACH PARTITION (\S+) .*", r"ALTER TABLE \1 DETACH PARTITION \2;"),
}  # fmt: skip
# What can be changed without being removed first.
REPLACE = {
    "AGGREGATE": ("CREATE ", "CREATE OR REPLACE "),
    "COMMENT": ("", ""),
    "FUNCTION": ("CREATE ", "CREATE OR REPLACE "),
    "OWNER": ("", ""),
    "PROCEDURE": ("CREATE ", "CREATE OR REPLACE "),
    "SEQUENCE": ("CREATE SEQUENCE ", "ALTER SEQUENCE "),
    "VIEW": ("CREATE ", "CREATE OR REPLACE "),
}
# What follows a table's columns, and how it is undone.
PROPERTIES = (
    (r"SET STATISTICS -?\d+", "SET STATISTICS -1"),
    (r"SET STORAGE \w+", "SET STORAGE DEFAULT"),
    (r"SET COMPRESSION \w+", "SET COMPRESSION default"),
    (r"REPLICA IDENTITY .*(?=;)", "REPLICA IDENTITY DEFAULT"),
    (r"(?<!NO )FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY"),
    (r"CLUSTER ON .*(?=;)", "SET WITHOUT CLUSTER"),
    (r"SET \((\w+)=.*\)", r"RESET (\1)"),
)
IDENTITY = (
    r"(?P<column>ALTER TABLE .* ALTER COLUMN .*) ADD GENERATED (?P<when>ALWAYS|BY DEFAULT) AS IDENTITY"
    r" \((?P<options>[^;]*)\);"
)
ROUNDS = 4  # what one moves out of the way, the next brings back
# Made with a table or type, and altered by Atlas where that stays.
INSIDE_TABLES = {"TABLE", "TYPE", "INDEX", "CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT", "DEFAULT"}  # fmt: skip
ON_TABLE = re.compile(r"DROP (?:TRIGGER|RULE|POLICY) IF EXISTS (?P<name>.*) ON (?P<on>.*);")
# In Atlas's words, or in those of `pg_dump`.
INDEX = re.compile(
    r"(?P<verb>CREATE (?:UNIQUE )?INDEX|DROP INDEX)(?: IF EXISTS)?"
    rf" (?:public\.)?(?P<name>{dump.IDENTIFIER})"
    rf"(?: ON (?:ONLY )?(?:public\.)?(?P<table>{dump.IDENTIFIER}))?"
)
# A column's line in a CREATE TABLE.
COLUMN = re.compile(
    rf"(?P<name>{dump.IDENTIFIER}) (?P<type>.+?)(?: DEFAULT (?P<default>.+?))?"
    r"(?: GENERATED ALWAYS AS (?P<computed>\(.*\))(?P<stored> STORED)?)?(?: NOT NULL)?",
    re.DOTALL,
)
# What takes its own indexes, comments and rights with it.
HOLDING_OTHERS = {"TABLE", "VIEW", "MATERIALIZED VIEW", "FUNCTION", "PROCEDURE", "EXTENSION"}

Item = TypeVar("Item")


class NoPlanError(ToolError):
    """There is no way there that can be proven."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, Exit.REFUSED)


@dataclass
class Bench:
    """The scratch database that is changed, what it has to become, and the statements so far."""

    connection: psycopg.Connection[Any]
    work: str
    target: str
    goal: Schema
    made: list[str] = field(default_factory=list)
    seen: tuple[int, Schema] = (-1, {})
    in_the_way: str = ""
    """Why something could not be removed."""

    def now(self) -> Schema:
        """What the scratch database has become so far."""
        if self.seen[0] != len(self.made):
            self.seen = len(self.made), dump.read(self.work)
        return self.seen[1]

    def attempt(self, statement: str) -> psycopg.Error | None:
        """Run a statement and note it down; the error where it cannot be run, and is not noted."""
        error = error_of(self.connection, statement)
        if error is None:
            self.made.append(statement)
        return error


def plan(work: str, target: str, goal: Schema, *, renames: bool = False) -> list[str]:
    """Change the scratch database `work` until its schema is `goal`, that of the scratch database
    `target`; how it was done.

    With `renames`, `work` was made from a clone of `target`, so that what was renamed since can be
    told from what was replaced, and its rows are kept.

    Raises:
        NoPlanError: the two cannot be made the same, or only in a way that does not run in one
            transaction.
    """
    with closing(postgres.connect(work, check_function_bodies="off")) as connection:
        bench = Bench(connection, work, target, goal)
        for statement in catalog.renames(work, target) if renames else []:
            bench.attempt(statement)
        reason, count = "", -1
        for _ in range(ROUNDS):
            if not dump.compare(goal, bench.now()):
                break
            if count == len(bench.made) and not retype(bench):
                break
            count = len(bench.made)
            remove(bench)
            make(bench)
            reason = alter(bench)
        differences = dump.compare(goal, bench.now())
    if differences:
        lines = [line for each in differences[:3] for line in (each.label, *each.lines()[:6])]
        raise NoPlanError("\n".join(filter(None, [reason, *lines])))
    return bench.made


def plan_models(old: str, new: str, wanted: Schema, renames: list[str]) -> list[str]:
    """How a clone of the scratch database `old` becomes the schema `wanted`, that of the scratch
    database `new`, after these renames: in Atlas's words for tables and enums, as a person would
    write them.

    What Atlas loses on the way (DEFERRABLE, NOT VALID, COLLATE, storage parameters) is then made
    before it is asked, in `pg_dump`'s words.

    Raises:
        NoPlanError: the two cannot be made the same.
    """
    goal, lost, reason = wanted, set[str](), ""
    before = dump.read(old)
    for _ in range(ROUNDS):
        with postgres.scratch_database(old) as work:
            with closing(postgres.connect(work, check_function_bodies="off")) as connection:
                bench = Bench(connection, work, new, goal)
                bench.made += [each for each in renames if error_of(connection, each) is None]
                reason = follow(bench, lost) or bench.in_the_way
            now = bench.now()
        if not (left := dump.compare(goal, now)):
            return bench.made
        unlike = {each.label for each in replay.unlike(goal, now)}
        if goal is wanted and (spelt := spelt_otherwise(goal, before)):
            goal = goal | {label: before[label] for label in spelt}
        elif not unlike:
            return bench.made
        elif unlike <= lost:
            break
        lost |= unlike
    lines = [line for each in left for line in (each.label, *each.lines()) if each.label in unlike]
    raise NoPlanError("\n".join(filter(None, [reason, *lines])))


def spelt_otherwise(goal: Schema, before: Schema) -> set[str]:
    """What differs in its spelling alone."""
    differ = {each.label for each in dump.compare(goal, before) if each.how == "changed"}
    return differ - {each.label for each in replay.unlike(goal, before)} if differ else set()


def follow(bench: Bench, lost: set[str]) -> str:
    """Change tables as Atlas does, and the rest as `plan`; what Atlas could not do, and why."""
    reason, count = "", -1
    for _ in range(ROUNDS):
        if count == len(bench.made):
            break
        count = len(bench.made)
        make(bench, lambda each: each.kind == "EXTENSION")
        if lost:
            keep(bench, lost)
        reason = alter(bench)
        remove(bench, lambda each: not inside_tables(bench, each))
        make(bench, lambda each: not inside_tables(bench, each))
    return reason


def inside_tables(bench: Bench, difference: dump.Difference) -> bool:
    """Whether Atlas plans it: not so the indexes of materialized views."""
    entry = difference.expected or difference.found
    view = f"MATERIALIZED VIEW {table_of(entry)}" if entry else ""
    return difference.kind in INSIDE_TABLES and view not in bench.goal and view not in bench.now()


def keep(bench: Bench, lost: set[str]) -> None:
    """Make what Atlas would lose; a new table with all of its parts."""
    for each in dump.compare(bench.goal, bench.now()):
        if each.found and each.label in lost and each.kind != "TABLE":
            bench.attempt(validated(each, bench.goal) or undo(each.found))
    retype(bench, lambda each: each.label in lost)
    missing = [each for each in dump.compare(bench.goal, bench.now()) if each.expected]
    new = {e.name for e in missing if e.kind == "TABLE" and e.label in lost and not e.found}
    new |= {parent for name in new for parent in parents(bench.goal.get(f"TABLE {name}"))}
    parts = [
        each
        for each in missing
        if each.label in lost
        or {each.name, each.expected and table_of(each.expected)} & new
        or (each.kind == "TYPE" and each.how == "missing")
    ]
    until_none(parts, lambda each: made(bench, each))


def parents(table: Entry | None) -> list[str]:
    """The tables that a table inherits from."""
    found = re.search(r"\nINHERITS \((.*)\)", table.create) if table else None
    return found[1].split(", ") if found else []


def validated(difference: dump.Difference, goal: Schema) -> str:
    """The statement that makes a constraint valid which was NOT VALID; empty if that is not it."""
    entry = difference.found
    if entry is None or not entry.create.endswith(" NOT VALID;"):
        return ""
    table, _, name = entry.name.partition(" ")
    stays = difference.expected or f"CONSTRAINT {name} " in goal.get(f"TABLE {table}", entry).create
    return f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};" if stays else ""


def undo(entry: Entry) -> str:
    """The statement that removes the entry; empty where there is none."""
    if entry.drop or entry.kind not in INVERSE:
        return entry.drop
    pattern, replacement = INVERSE[entry.kind]
    undone = re.sub(pattern, replacement, entry.create, flags=re.DOTALL)
    return undone if undone != entry.create else ""


Concerned = Callable[[dump.Difference], bool]


def everything(_: dump.Difference) -> bool:
    return True


def remove(bench: Bench, concerned: Concerned = everything) -> None:
    """Remove what is not wanted, and what changes and cannot be replaced in its place."""
    changes = [e for e in dump.compare(bench.goal, bench.now()) if e.found and concerned(e)]
    tables = {e.name for e in changes if e.kind in HOLDING_OTHERS and not e.expected}
    waiting: list[Entry] = []
    with_their_table: list[Entry] = []
    for wanted, entry in ((each.expected, each.found) for each in reversed(changes)):
        if entry is None or (wanted and (entry.kind in {"TABLE", "TYPE"} or entry.kind in REPLACE)):
            continue
        if table_of(entry) in tables:
            with_their_table.append(entry)
        elif entry.kind.endswith("ACL"):
            for line in entry.create.splitlines():
                if not wanted or line not in wanted.create:
                    bench.attempt(revoked(line))
        else:
            waiting.append(entry)
    # Only where tables hold one another do their parts have to go first.
    waiting = until_none(waiting, lambda entry: bench.attempt(undo(entry)) is None)
    if waiting:
        waiting = until_none(
            [*with_their_table, *waiting], lambda e: bench.attempt(undo(e)) is None
        )
    for entry in waiting:  # what depends on it stays as it is, and is made again
        if entry.kind in HOLDING_OTHERS - {"TABLE", "EXTENSION"}:
            clear(bench, entry)


def until_none(waiting: list[Item], done: Callable[[Item], bool]) -> list[Item]:
    """Do what can be done, again and again while that helps; what cannot be done."""
    while waiting:
        failed = [each for each in waiting if not done(each)]
        if len(failed) == len(waiting):
            break
        waiting = failed
    return waiting


def table_of(entry: Entry) -> str:
    """The table that an entry is part of, and goes with."""
    if entry.kind == "INDEX":
        on = re.search(r" ON (?:ONLY )?(\S+) ", entry.create)
        return on[1] if on else ""
    if entry.kind in ("ACL", "COMMENT", "OWNER"):
        name = re.sub(r"^(?:[A-Z]+ )+", "", entry.name)
        return name.rpartition(".")[0] if entry.name.startswith("COLUMN ") else name
    return entry.name.partition(" ")[0] if entry.kind not in HOLDING_OTHERS else ""


def revoked(line: str) -> str:
    """What undoes a GRANT or a REVOKE."""
    words = {"GRANT": "REVOKE", "REVOKE": "GRANT", "TO": "FROM", "FROM": "TO"}
    line = line.replace(" WITH GRANT OPTION", "")
    return re.sub(r"\b(GRANT|REVOKE|TO|FROM)\b", lambda word: words[word[0]], line)


def make(bench: Bench, concerned: Concerned = everything) -> None:
    """Make what is missing, in whatever order works, and replace what changed."""
    changes = [e for e in dump.compare(bench.goal, bench.now()) if e.expected and concerned(e)]
    until_none(changes, lambda each: made(bench, each))


def made(bench: Bench, difference: dump.Difference) -> bool:
    """Make what is wanted, or what it replaces into it; whether that went well."""
    wanted, entry = difference.expected, difference.found
    if wanted is None:
        return True
    if entry is None or wanted.kind.endswith("ACL"):
        return bench.attempt(wanted.create) is None
    if wanted.kind == "TABLE":
        properties = table_properties(entry, wanted)
        return bool(properties) and all(bench.attempt(each) is None for each in properties)
    if wanted.kind not in REPLACE:
        return False
    replacement = identity(entry, wanted) or wanted.create.replace(*REPLACE[wanted.kind], 1)
    if {replacement, wanted.create} & {*bench.made}:
        return False  # it is spelt otherwise once it is made, and that is all
    if bench.attempt(replacement) is None:
        return True
    return clear(bench, entry) and bench.attempt(wanted.create) is None


def identity(entry: Entry, wanted: Entry) -> str:
    """What gives an identity column its wanted options, and leaves it where it counts."""
    before, after = (re.match(IDENTITY, each.create) for each in (entry, wanted))
    if not before or not after:
        return ""
    options = [
        line.strip() for line in after["options"].splitlines() if "SEQUENCE NAME" not in line
    ]
    options += [] if "CYCLE" in options else ["NO CYCLE"]
    changes = [f"SET {each}" for each in (f"GENERATED {after['when']}", *filter(None, options))]
    return f"{after['column']} {' '.join(changes)};"


def table_properties(entry: Entry, wanted: Entry) -> list[str]:
    """What leads to the wanted storage parameters, checks and settings of a table that stays."""
    (head, lines, tail), (new_head, new_lines, new_tail) = (
        dump.table_parts(each.create) for each in (entry, wanted)
    )
    name = re.sub(r"CREATE (UNLOGGED )?TABLE (.*) \(", r"\2", new_head)
    alter = f"ALTER TABLE {name}"
    changes = []
    if head != new_head:
        changes.append(f"{alter} SET {'UNLOGGED' if 'UNLOGGED' in new_head else 'LOGGED'};")
    for line in lines:
        if line.startswith("CONSTRAINT ") and line not in new_lines:
            constraint = re.match(rf"CONSTRAINT ({dump.IDENTIFIER})", line)
            changes.append(f"{alter} DROP CONSTRAINT IF EXISTS {constraint and constraint[1]};")
    changes += [
        f"{alter} ADD {line};"
        for line in new_lines
        if line.startswith("CONSTRAINT ") and line not in lines
    ]
    columns, new_columns = columns_in(lines), columns_in(new_lines)
    for column, new in new_columns.items():
        if not new["computed"] or new["stored"]:
            continue  # only what is not stored Atlas would store
        if column not in columns:
            changes.append(f"{alter} ADD COLUMN {new[0]};")
        elif columns[column]["computed"] != new["computed"]:
            changes.append(f"{alter} ALTER COLUMN {column} SET EXPRESSION AS {new['computed']};")
    options, new_options = (
        dict(re.findall(r"(\w+)=('[^']*'|\w+)", re.sub(r"(?s)\);.*", ")", each)))
        for each in (tail, new_tail)
    )
    changes += [f"{alter} RESET ({key});" for key in options if key not in new_options]
    changes += [
        f"{alter} SET ({key}={value});"
        for key, value in new_options.items()
        if options.get(key) != value
    ]
    settings, new_settings = (
        [line for line in each.splitlines() if line.startswith("ALTER ")]
        for each in (tail, new_tail)
    )
    for line in settings:
        for pattern, replacement in PROPERTIES:
            if line not in new_settings and re.search(pattern, line):
                changes.append(re.sub(pattern, replacement, line))
    return changes + [line for line in new_settings if line not in settings]


def retype(bench: Bench, concerned: Concerned = everything) -> bool:
    """Give columns what Atlas does not see, such as a collation; whether that was any."""
    count = len(bench.made)
    for each in dump.compare(bench.goal, bench.now()):
        if each.kind == "TABLE" and each.expected and each.found and concerned(each):
            for change in column_changes(each.found, each.expected):
                bench.attempt(change)
    return count < len(bench.made)


def columns_in(lines: list[str]) -> dict[str, re.Match[str]]:
    """The columns of a table by their names."""
    found = [COLUMN.fullmatch(line) for line in lines if not line.startswith("CONSTRAINT ")]
    return {each["name"]: each for each in found if each}


def column_changes(entry: Entry, wanted: Entry) -> list[str]:
    """What gives the columns of a table that stays their very types and defaults."""
    (_, lines, _), (head, new_lines, _) = (dump.table_parts(e.create) for e in (entry, wanted))
    columns, changes = columns_in(lines), []
    table = re.sub(r"CREATE (UNLOGGED )?TABLE (.*) \(", r"\2", head)
    for name, new in columns_in(new_lines).items():
        if (old := columns.get(name)) is None:
            continue
        change = f"ALTER TABLE {table} ALTER COLUMN {name}"
        if old["type"] != new["type"]:
            changes.append(f"{change} TYPE {new['type']};")
        if new["default"] and old["default"] != new["default"]:
            changes.append(f"{change} SET DEFAULT {new['default']};")
    return changes


def alter(bench: Bench) -> str:
    """Let Atlas change tables and enums that stay; why not, if it cannot."""
    changed = dump.compare(bench.goal, bench.now())
    if not any(each.kind in INSIDE_TABLES for each in changed):
        return ""
    recast_enums(bench)
    labels = {each.label for each in changed}
    try:
        planned = atlas.diff(bench.work, bench.target)
    except ToolError as error:
        return str(error)
    waiting = [each for each in planned if not spelling_alone(each, labels)]
    reasons: dict[str, str] = {}
    while waiting:
        reasons = {each: why for each in waiting if (why := altered(bench, each))}
        if len(reasons) == len(waiting):
            break
        waiting = list(reasons)
    return "\n".join(f"{in_short(each)}\n{why}" for each, why in reasons.items())


def spelling_alone(statement: str, changed: set[str]) -> bool:
    """Whether Atlas would rebuild an index because its condition is printed in another way."""
    index = INDEX.match(code(statement))
    return index is not None and f"INDEX public.{unquoted(index['name'])}" not in changed


def altered(bench: Bench, statement: str) -> str:
    """Run a statement of Atlas's, moving out of its way what depends on the column."""
    for _ in range(20):
        error = bench.attempt(statement)
        if error is None:
            return ""
        hint = re.search(r'USING (\S+::.*)"\.', error.diag.message_hint or "")
        default = re.search(r'default for column "(.*)" cannot be cast', str(error))
        if hint and f"USING {hint[1]}" not in statement:
            column = hint[1].partition("::")[0].strip('"')
            clause = rf'(ALTER COLUMN "{column}" TYPE .+?)(?=, (?:ALTER|ADD|DROP) |;)'
            statement = re.sub(clause, rf"\1 USING {hint[1]}", statement)
        elif default and (table := re.search(r"ALTER TABLE \S+", statement)):
            bench.attempt(f'{table[0]} ALTER COLUMN "{default[1]}" DROP DEFAULT;')
        elif not clear_dependents(bench, error):
            return str(error)
    return "too much depends on it"


def clear(bench: Bench, entry: Entry) -> bool:
    """Remove an object, and before it what depends on it; all that is wanted is made again."""
    for _ in range(20):
        error = bench.attempt(undo(entry))
        if error is None:
            return True
        if not clear_dependents(bench, error):
            bench.in_the_way = str(error)
            return False
    return False


def clear_dependents(bench: Bench, error: psycopg.Error) -> bool:
    """Remove the objects that an error names as in the way; whether any could be."""
    detail = error.diag.message_detail or ""
    if not isinstance(error, errors.DependentObjectsStillExist | errors.FeatureNotSupported):
        return False
    named = re.findall(r"^(?:rule _RETURN on )?(.+?) depends on ", detail, re.MULTILINE)
    found = [entry for entry in bench.now().values() if spoken(entry) in map(bare, named)]
    movable = [entry for entry in reversed(found) if undo(entry) and entry.kind != "TABLE"]
    cleared = [clear(bench, entry) for entry in movable]
    return any(cleared)


def spoken(entry: Entry) -> str:
    """An entry as error messages name it: `trigger touch on table users`; without quotes, which
    they use where names need them."""
    kind = "constraint" if "CONSTRAINT" in entry.kind else entry.kind.lower()
    name = entry.name.replace("public.", "")
    parts = ON_TABLE.match(entry.drop)
    if parts:
        name = f"{parts['name']} on table {parts['on']}"
    elif entry.kind in ("POLICY", "RULE", "TRIGGER") or kind == "constraint":
        table, _, name = name.partition(" ")
        name = f"{name} on table {table}"
    return bare(f"{kind} {name.replace(', ', ',')}")


def bare(text: str) -> str:
    return text.replace('"', "").replace("public.", "")


def recast_enums(bench: Bench) -> None:
    """Make enums anew that lose values or change their order, which no ALTER can do."""
    for label, entry in list(bench.now().items()):
        wanted = bench.goal.get(label)
        if not wanted or wanted.create == entry.create or " AS ENUM " not in wanted.create:
            continue
        values, new_values = (
            re.findall(r"^    '.*'", e.create, re.MULTILINE) for e in (entry, wanted)
        )
        if [value for value in new_values if value in values] == values:
            continue  # values were only added
        name = wanted.create.split()[2]
        schema, _, bare = name.rpartition(".")
        old = f"{schema}.{bare.strip(chr(34))}_before"
        columns = catalog.columns_of_type(bench.connection, name)
        steps = [f"ALTER TYPE {name} RENAME TO {old.rpartition('.')[2]};", wanted.create]
        for table, column, brackets, default in columns:
            change = f"ALTER TABLE {table} ALTER COLUMN {column}"
            steps += [f"{change} DROP DEFAULT;"] if default else []
            cast = f"{column}::text{brackets}::{name}{brackets}"
            steps.append(f"{change} TYPE {name}{brackets} USING {cast};")
            steps += [f"{change} SET DEFAULT {default};"] if default else []
        for step in [*steps, f"DROP TYPE {old};"]:
            altered(bench, step)


def proven(statements: list[str], states: list[str], goal: Schema) -> str:
    """The script of these statements, which leads each of the scratch databases to the goal.

    Raises:
        NoPlanError: it does not, or not in one transaction.
    """
    script = "\n".join(statements)
    for text in (script, f"SET LOCAL check_function_bodies = off;\n{script}"):
        reasons = [prove(state, text, goal) for state in states]
        if not any(reasons):
            return f"{text}\n" if text else ""
    raise NoPlanError("\n".join(filter(None, reasons)))


def prove(template: str, script: str, goal: Schema) -> str:
    """Run a script on a clone, in one transaction; why it does not lead to the goal, if so."""
    with postgres.scratch_database(template) as url:
        with closing(postgres.connect(url)) as connection, connection.transaction():
            if error := error_of(connection, script):
                return f"it does not run in one transaction: {error}"
        differences = dump.compare(goal, dump.read(url))
    return "\n".join(line for each in differences for line in (each.label, *each.lines()))
