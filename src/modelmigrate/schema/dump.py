"""The whole schema of a database, as `pg_dump` tells it: the referee of every comparison.

It knows every kind of object, writes each as the SQL that makes it and the SQL that removes it, and
orders them so that both run. So two databases have the same schema when their dumps are the same,
and what stands in one dump alone can be made or removed without a catalogue query of ours.
"""

import os
import re
import subprocess
from contextlib import closing
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.binaries import installation
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.snapshots import SNAPSHOT_PREFIX, STORED_DUMP
from modelmigrate.schema.diff import Schema, SchemaObject
from modelmigrate.sql.names import IDENTIFIER
from modelmigrate.sql.statements import split_statements, strip_comments

ENTRY_HEADER = re.compile(
    r"^--\n-- Name: (?P<name>.*); Type: (?P<kind>[A-Z ]+); Schema: (?P<schema>.*); Owner: ?(?P<owner>.*)\n--\n\n",
    re.MULTILINE,
)
DEFAULT_SETTINGS = re.compile(r"\n*^SET default_\w+ = [^\n]*;\s*\Z", re.MULTILINE)
OWNER_STATEMENT = re.compile(r"\n+(ALTER [A-Z ]+ (\S.*) OWNER TO (.*);)\s*\Z")
DROP_STATEMENT = re.compile(r"(?:ALTER TABLE .* )?DROP (?P<kind>[A-Z ]+?)(?: IF EXISTS|;)")
INVALID_INDEXES = """
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = indexrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE NOT indisvalid AND c.relkind = 'i' AND indexrelid NOT IN
        (SELECT index_relid FROM pg_stat_progress_create_index WHERE datname = current_database())
    ORDER BY 1"""
# Whoever applies migrations owns what they make, whatever the role is called.
DEFAULT_OWNER = """
    SELECT rolname, quote_ident(rolname) FROM pg_roles WHERE oid = coalesce(
        (SELECT relowner FROM pg_class WHERE oid = to_regclass(
            'atlas_schema_revisions.atlas_schema_revisions')),
        (SELECT oid FROM pg_roles WHERE rolname = current_user))"""


def read_schema(url: str) -> Schema:
    """The schema of the database at `url`, without Atlas's own; entries in the order of making.

    Raises:
        MigrateError: `pg_dump` is missing, too old for the server, or failed.
    """
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        owner = connection.execute(DEFAULT_OWNER).fetchone() or ("", "")
        invalid = [name for (name,) in connection.execute(INVALID_INDEXES)]
        [(known,)] = connection.execute(STORED_DUMP, [SNAPSHOT_PREFIX]).fetchall()
    entries = parse_dump(known or run_pg_dump(url), *owner)
    for name in invalid:
        drop = f"DROP INDEX IF EXISTS {name};"
        entries[f"INVALID INDEX {name}"] = SchemaObject("INVALID INDEX", name, "", drop)
    return entries


def run_pg_dump(url: str) -> str:
    target = conninfo_to_dict(url)
    password = str(target.pop("password", ""))
    command: list[str | Path] = [
        installation() / "pg_dump", "--schema-only", "--clean", "--if-exists",
        "--exclude-schema=atlas_schema_revisions", "--no-subscriptions", "--no-tablespaces",
        "--lock-wait-timeout=10s", "--encoding=UTF8", f"--dbname={make_conninfo('', **target)}",
    ]  # fmt: skip
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        said = done.stderr.strip()
        busy = "lock timeout" in said
        advice = (
            "A migration is running. Try again when it ends." if busy else "Nothing was changed."
        )
        raise MigrateError(
            f"the schema cannot be read. {said}\n{advice}", Exit.BUSY if busy else Exit.ERROR
        )
    return done.stdout


def parse_dump(text: str, owner: str = "", quoted_owner: str = "") -> Schema:
    """Take a dump apart. What belongs to `owner` is nobody's in particular."""
    text = text[: text.rfind("\n--\n-- PostgreSQL database dump complete")]
    start = ENTRY_HEADER.search(text)
    drops = [
        strip_comments(each) for each in split_statements(text[: start.start()] if start else "")
    ]
    headers = list(ENTRY_HEADER.finditer(text))
    entries: Schema = {}
    ends = [*(header.start() for header in headers), len(text)]
    for header, end in zip(headers, ends[1:], strict=True):
        kind, schema = header["kind"], header["schema"]
        create = DEFAULT_SETTINGS.sub("", text[header.end() : end]).strip()
        if kind == "MATERIALIZED VIEW":  # which nobody can read until it is filled
            create = create.replace("\n  WITH NO DATA;", ";")
        name = header["name"] if schema == "-" else f"{schema}.{header['name']}"
        if kind in ("ACL", "COMMENT"):  # named after the kind and the name of another object
            name = re.sub(r"^(\S+\.)((?:[A-Z]+ )+)", r"\2\1", name)
        owned = OWNER_STATEMENT.search(create)
        if owned:
            create = create[: owned.start()].strip()
        if kind in ("ACL", "DEFAULT ACL"):
            role = re.escape(quoted_owner)
            create = re.sub(rf"(?<=FROM ){role}(?=;)|(?<=TO ){role}(?=;)", "CURRENT_USER", create)
            create = create.replace(f" FOR ROLE {quoted_owner} ", " ")
        if create and not create.startswith("COMMENT ON EXTENSION"):  # its own words, by version
            entry = SchemaObject(kind, name, create, "")
            entries[entry.label] = entry
        if owned and header["owner"] != owner:
            mine = f"{owned[1].removesuffix(f'{owned[3]};')}CURRENT_USER;"
            entry = SchemaObject("OWNER", f"{kind} {name}", owned[1], mine)
            entries[entry.label] = entry
    _pair_drops(entries, drops)
    return entries


def _pair_drops(entries: Schema, drops: list[str]) -> None:
    """Give entries their DROPs, which come in the reverse order; not every kind has one."""
    by_kind: dict[str, list[str]] = {}
    for drop in drops:
        if found := DROP_STATEMENT.match(drop):
            by_kind.setdefault(found["kind"], []).append(drop)
    for label, entry in entries.items():
        kind = entry.kind.split()[-1] if "CONSTRAINT" in entry.kind else entry.kind
        candidates = by_kind.get(kind, [])
        if candidates and _dropped_name(candidates[-1]) in entry.create_sql:
            entries[label] = entry._replace(drop_sql=candidates.pop())


def _dropped_name(drop: str) -> str:
    """The name of what is dropped, without its schema."""
    found = re.search(rf"IF EXISTS (?:ONLY )?(?:{IDENTIFIER}\.)?({IDENTIFIER})", drop)
    return found[1] if found else ""
