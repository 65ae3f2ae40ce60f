"""The next migration, from what the models say and the migrations do not."""

import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import errors

from tools.errors import Exit, ToolError
from tools.schema import (
    atlas,
    catalog,
    down,
    dump,
    history,
    objects,
    plan,
    postgres,
    progress,
    replay,
    sql,
)
from tools.schema.atlas import MIGRATIONS
from tools.schema.dump import Schema
from tools.schema.server import PROJECT

OUTSIDE_TRANSACTION = "-- atlas:txmode none\n\n"  # without the blank line, Atlas ignores it
ADD_VALUE = re.compile(r"ALTER TYPE .+? ADD VALUE ")
CONCURRENTLY = re.compile(r"(CREATE (UNIQUE )?|DROP )INDEX CONCURRENTLY ")
BY_HAND = """Nothing was written. Write a migration by hand for this part, migrations/<YYYYMMDDHHMMSS>_<name>.sql,
then make migrate-hash, and make migrate-create for the rest."""


class Rename(NamedTuple):
    """A column, or a table if there is no column, that may be an old one under a new name."""

    table: str
    old: str
    new: str

    @property
    def label(self) -> str:
        """As `rename=` names it."""
        return f"{self.table}.{self.old}:{self.new}" if self.table else f"{self.old}:{self.new}"

    @property
    def statement(self) -> str:
        old, new = (f'"{name}"' for name in (self.old, self.new))
        if not self.table:
            return f"ALTER TABLE {old} RENAME TO {new};"
        return f'ALTER TABLE "{self.table}" RENAME COLUMN {old} TO {new};'


class Created(NamedTuple):
    """What was written, and what Atlas has no word for."""

    files: list[Path]
    notes: list[str]


def create(message: str, rename: str | None = None) -> Created:
    """Write the migrations that bring the database up to the models, with their down files.

    Raises:
        ToolError: the message gives no file name, the models cannot be loaded, something looks
            renamed and nobody says whether it is, or there is no plan that can be proven. Nothing
            is written then.
    """
    name = file_name(message)
    notes = [note for each in objects.read() for note in each.notes]
    with states() as (old, new):
        before, wanted = dump.read(old), dump.read(new)
        if not (differences := dump.compare(wanted, before)):
            return Created([], notes)
        renames = renamed(old, decide(candidates(old, new), rename), wanted)
        progress.at("planning")
        try:
            statements = plan.plan_models(old, new, wanted, renames)
            if not statements:  # it is spelt in another way, and that is all
                return Created([], notes)
            progress.at("finding the way back, and proving both")
            files = proven(old, in_pieces(statements, before))
        except plan.NoPlanError as error:
            raise ToolError(f"{error}\n{BY_HAND}", Exit.REFUSED) from None
        texts, downs = [text for text, _ in files], [down for _, down in files]
        contents = dict(zip(file_names(name, texts), texts, strict=True))
    return Created(write(contents, downs), notes + undeclared(differences))


def missing() -> str:
    """What the migrations lack, beginning with Atlas's SQL for tables; empty when they agree."""
    with states() as (old, new):
        wanted, found = dump.read(new), dump.read(old)
        if not (differences := replay.unlike(wanted, found)):
            return ""
        tables = atlas.diff(old, new)
    rest = [e for e in differences if not tables or e.kind not in plan.INSIDE_TABLES]
    lines = [line for e in rest for line in (f"{e.how} in the migrations: {e.label}", *e.lines())]
    return "\n".join([*tables, *lines])


@contextmanager
def states() -> Iterator[tuple[str, str]]:
    """Scratch databases: what the migrations make, and what the models say."""
    declared = objects.read()
    with ThreadPoolExecutor() as pool:
        progress.at("loading the models")
        loading = pool.submit(models_ddl)
        migrations = history.migrations() if any(MIGRATIONS.glob("*.sql")) else []
        with replay.replayed(migrations) as old:
            beside = not_for_models(dump.read(old)) if migrations else {}
            with replay.modelled(loading.result(), declared, beside) as new:
                yield old, new


def models_ddl() -> str:
    """The schema that the models declare, as load_models.py prints it."""
    finished = subprocess.run(
        [sys.executable, PROJECT / "load_models.py"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        raise ToolError(f"the models cannot be read\n{finished.stderr.strip()}")
    return finished.stdout


def not_for_models(schema: Schema) -> Schema:
    """What neither models nor files say, and migrations written by hand may: rules, partitions."""
    owned = {e.name for e in schema.values() if e.kind == "SEQUENCE OWNED BY"}
    parts = {e.name for e in schema.values() if e.kind == "TABLE ATTACH"}

    def belongs_to_models(entry: dump.Entry) -> bool:
        if objects.is_declared(entry, schema):
            return True
        if not re.match(r"(COLUMN |TABLE )?public\.", entry.name):
            return False
        match entry.kind:
            case "TYPE":
                return " AS ENUM " in entry.create
            case "SEQUENCE":
                return entry.name in owned or not entry.create.startswith("CREATE")
            case "INDEX":
                on = re.search(r" ON (?:ONLY )?(\S+) ", entry.create)
                return not on or on[1] not in parts
            case "TABLE":
                return entry.name not in parts
            case "COMMENT":
                return entry.create.startswith(("COMMENT ON TABLE", "COMMENT ON COLUMN"))
            case "TABLE ATTACH" | "INDEX ATTACH":
                return False
        table, _, _ = entry.name.partition(" ")
        return entry.kind in {"DEFAULT", "SEQUENCE OWNED BY"} or (
            "CONSTRAINT" in entry.kind and table not in parts
        )

    return {label: entry for label, entry in schema.items() if not belongs_to_models(entry)}


# --- renames ---


def candidates(old: str, new: str) -> list[Rename]:
    """What is gone and what has come in the same place with the same type, in every pairing."""
    before, after = columns(old), columns(new)
    found = [
        Rename("", gone, come)
        for gone in before
        if gone not in after
        for come in after
        if come not in before and alike(before[gone], after[come])
    ]
    for table in before.keys() & after.keys():
        was, will_be = before[table], after[table]
        found += [
            Rename(table, gone, come)
            for gone in was
            if gone not in will_be
            for come in will_be
            if come not in was and was[gone] == will_be[come]
        ]
    return sorted(found)


def columns(url: str) -> dict[str, dict[str, str]]:
    """The columns of each table, with their types without lengths."""
    tables: dict[str, dict[str, str]] = {}
    for thing in catalog.things(url).values():
        if thing.kind == "column" and thing.owner.startswith("public."):
            table = sql.unquoted(thing.owner.removeprefix("public."))
            tables.setdefault(table, {})[sql.unquoted(thing.name)] = thing.detail.partition("(")[0]
    return tables


def alike(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether two tables have most of their columns in common."""
    return 2 * len(one.items() & other.items()) > max(len(one), len(other))


def decide(found: list[Rename], answer: str | None) -> list[Rename]:
    """Which of the candidates are renames, as `rename=` or the person at the terminal says.

    Raises:
        ToolError: nobody says (exit code 3), or the answer fits none of them.
    """
    if answer is not None:
        wanted = [] if answer == "none" else answer.split(",")
        chosen = [next((r for r in found if answers(each, r)), None) for each in wanted]
        if None in chosen:
            options = ", ".join(each.label for each in found) or "none, since nothing looks renamed"
            raise ToolError(f"rename={answer} does not fit. Possible: {options}. Nothing written.")
        return [each for each in chosen if each]
    if found and not sys.stdin.isatty():
        questions = "\n".join(
            f"  {r.table}{'.' if r.table else ''}{r.old} is gone, {r.new} is new" for r in found
        )
        choices = "\n".join(f"  rename={each.label}" for each in found)
        raise ToolError(
            f"this looks like a rename:\n{questions}\nA rename keeps the values, a new column or"
            f" table starts empty. Nothing was written. Say which it is, and run it again:\n"
            f"{choices}\n  rename=none    (several: rename=a:b,c:d)",
            Exit.REFUSED,
        )
    chosen_here: list[Rename] = []
    for each in found:
        taken = any(
            each.table == c.table and {each.old, each.new} & {c.old, c.new} for c in chosen_here
        )
        place = f"{each.table}.{each.old}" if each.table else f"table {each.old}"
        if not taken and input(f"Is {each.new} the old {place}, renamed? [y/N] ").lower() in (
            "y",
            "yes",
        ):
            chosen_here.append(each)
    return chosen_here


def answers(given: str, rename: Rename) -> bool:
    """Whether `users.nick:nickname`, `users.nick:users.nickname` or `nick:nickname` is meant."""
    old, _, new = given.strip().partition(":")
    olds = {rename.old, f"{rename.table}.{rename.old}"} if rename.table else {rename.old}
    news = {rename.new, f"{rename.table}.{rename.new}"} if rename.table else {rename.new}
    return old in olds and new in news


def renamed(old: str, renames: list[Rename], wanted: Schema) -> list[str]:
    """Rename, and with it the constraints and indexes that are named after what was renamed."""
    if not renames:
        return []
    # A renamed table's columns are under its new name by then.
    statements = [each.statement for each in sorted(renames, key=lambda each: bool(each.table))]
    with postgres.scratch_database(old) as work:
        with closing(postgres.connect(work)) as connection:
            connection.execute("\n".join(statements).encode())
        return statements + renamed_parts(dump.read(work), wanted)


def renamed_parts(now: Schema, wanted: Schema) -> list[str]:
    """Renames of what differs in its name alone."""
    differences = dump.compare(wanted, now)
    extra = [each.found for each in differences if each.found and not each.expected]
    absent = [each.expected for each in differences if each.expected and not each.found]
    statements = []
    for one in extra:
        for other in absent:
            old, new = (
                each.name.rpartition("public.")[2].rpartition(" ")[2] for each in (one, other)
            )
            table = one.create.split()[3]
            if one.kind == other.kind and one.create.replace(old, new) == other.create:
                statements.append(
                    f'ALTER INDEX "{old}" RENAME TO "{new}";'
                    if one.kind == "INDEX"
                    else f'ALTER TABLE {table} RENAME CONSTRAINT "{old}" TO "{new}";'
                )
    return statements


# --- files ---


def in_pieces(statements: list[str], before: Schema) -> list[list[str]]:
    """The statements of each file: what can run in one transaction together, the rest alone.

    Indexes of tables that are there already, and perhaps large and busy, are made and dropped
    CONCURRENTLY, which no transaction allows.
    """
    pieces: list[list[str]] = []
    together = False
    for statement in statements:
        found = plan.INDEX.match(sql.code(statement))
        if found and concurrently_possible(found, before):
            verb = found["verb"]
            pieces.append([statement.replace(verb, f"{verb} CONCURRENTLY", 1)])
            together = False
        elif together:
            pieces[-1].append(statement)
        else:
            pieces.append([statement])
            together = True
    return pieces


def concurrently_possible(index: re.Match[str], before: Schema) -> bool:
    """Not for the indexes of new tables, which are empty, nor of partitioned ones."""
    if index["table"] is None:
        old = before.get(f"INDEX public.{sql.unquoted(index['name'])}")
        return (
            old is not None
            and " ON ONLY " not in old.create
            and not objects.is_declared(old, before)  # the index of a materialized view
        )
    table = before.get(f"TABLE public.{sql.unquoted(index['table'])}")
    return table is not None and "\nPARTITION BY " not in table.create


def file_names(name: str, pieces: list[str]) -> list[str]:
    """Names in the order of the pieces, all newer than every file that is there."""
    newest = max((file.name[:14] for file in MIGRATIONS.glob("*.sql")), default="")
    moment = datetime.now(UTC)
    if newest.isdigit() and newest >= f"{moment:%Y%m%d%H%M%S}":
        moment = datetime.strptime(newest, "%Y%m%d%H%M%S").replace(tzinfo=UTC) + timedelta(
            seconds=1
        )
    names = []
    for number, piece in enumerate(pieces):
        index = plan.INDEX.match(sql.code(piece).replace(" CONCURRENTLY", ""))
        own_name = index and len(pieces) > 1 and piece.startswith(OUTSIDE_TRANSACTION)
        stem = f"{name}_{file_name(index['name'])}" if index and own_name else name
        names.append(f"{moment + timedelta(seconds=number):%Y%m%d%H%M%S}_{stem}.sql")
    return names


def proven(state: str, pieces: list[list[str]]) -> list[tuple[str, str]]:
    """The text of each file as Atlas can run it on the scratch database `state`, and of its way
    back.

    Raises:
        NoPlanError: one of them cannot be run in a transaction.
    """
    if not pieces:
        return []
    piece, *rest = pieces
    with postgres.scratch_database(state) as after:
        try:
            text = run(after, piece)
        except errors.UnsafeNewEnumValueUsage as error:
            values = [each for each in piece if ADD_VALUE.match(sql.code(each))]
            others = [each for each in piece if each not in values]
            if not values or not others:
                raise plan.NoPlanError(str(error)) from None
            return proven(state, [values, others, *rest])
        return [(text, down.text(state, after)), *proven(after, rest)]


def run(url: str, statements: list[str]) -> str:
    """Run statements as the migration whose text this is will."""
    text = "\n".join(statements)
    with closing(postgres.connect(url)) as connection:
        if CONCURRENTLY.match(sql.code(text)):
            if error := replay.error_of(connection, text):
                raise plan.NoPlanError(str(error))
            return f"{OUTSIDE_TRANSACTION}{text}\n"
        for first in ([], ["SET LOCAL check_function_bodies = off;"]):
            try:
                with connection.transaction():
                    connection.execute("\n".join([*first, text]).encode())
            except errors.UnsafeNewEnumValueUsage:
                raise
            except psycopg.Error as error:
                reason = str(error)
            else:
                return delimited([*first, *statements])
    raise plan.NoPlanError(f"it does not run in one transaction: {reason}")


def delimited(statements: list[str]) -> str:
    """The text of a file in which every edition of Atlas finds these statements: some would take
    each semicolon of a body outside quotes for the end."""
    text = "\n".join(statements)
    if "BEGIN ATOMIC" not in text:
        return f"{text}\n"
    end = "-- end of statement" if "\n\n\n" in text else "\n\n\n"
    return "\n".join(
        [f"-- atlas:delimiter {end!r}".replace("'", ""), "", f"{end}\n".join(statements), ""]
    )


def write(contents: dict[str, str], downs: list[str]) -> list[Path]:
    """Write migrations, down files and `atlas.sum`; all or none."""
    sum_file = MIGRATIONS / "atlas.sum"
    sum_before = sum_file.read_bytes() if sum_file.exists() else None
    down.FOLDER.mkdir(parents=True, exist_ok=True)
    files = [MIGRATIONS / name for name in contents]
    back = [down.FOLDER / name for name in contents]
    try:
        for file, text in zip([*files, *back], [*contents.values(), *downs], strict=True):
            file.write_text(text, encoding="utf-8", newline="\n")
        atlas.rehash()
    except BaseException:
        for file in (*files, *back):
            file.unlink(missing_ok=True)
        if sum_before is None:
            sum_file.unlink(missing_ok=True)
        else:
            sum_file.write_bytes(sum_before)
        raise
    return files


def undeclared(differences: list[dump.Difference]) -> list[str]:
    """What is dropped because no file declares it."""
    return [
        f"note: drops {each.label}, which no file in {objects.place(objects.FOLDER)} declares"
        for each in differences
        if each.kind in objects.KINDS and not each.expected
    ]


def file_name(message: str) -> str:
    """`Add the user's bio` -> `add_the_user_s_bio`: safe in every file system and shell."""
    ascii_only = unicodedata.normalize("NFKD", message).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", ascii_only.lower()).strip("_")
    if not name or len(name) > 100:
        raise ToolError(
            f"a migration needs a name of 1 to 100 letters and digits, not {message!r}\n"
            'Nothing was written. Say what changes: make migrate-create m="add user bio"'
        )
    return name
