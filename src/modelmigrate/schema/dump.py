"""The whole schema of a database, read from `pg_dump`: the basis of every comparison.

`pg_dump` knows every kind of object, writes the SQL that creates each and the SQL that drops it, and
orders both so that they run. So two databases have the same schema when their dumps are the same, and
an object that is in one dump only can be created or dropped without catalog queries of our own.
"""

import re
import subprocess
from contextlib import closing
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from modelmigrate.errors import Exit, MigrateError
from modelmigrate.isolation import for_client_of
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
# What need not be read where there is none of it: each costs `pg_dump` a tenth of its time. Those below
# 16384 came with the server; of these, `pg_dump` writes the comment on public if that was changed.
ABSENT = """
    SELECT '--no-security-labels' WHERE NOT EXISTS (SELECT FROM pg_seclabel)
    UNION ALL SELECT '--no-comments' WHERE NOT EXISTS (SELECT FROM pg_description WHERE objoid >= 16384)
        AND EXISTS (SELECT FROM pg_description
            WHERE objoid = to_regnamespace('public') AND description = 'standard public schema')"""
# The role that applies migrations owns what they create. Its name differs between databases, so its
# objects count as having no particular owner.
DEFAULT_OWNER = """
    SELECT rolname, quote_ident(rolname) FROM pg_roles WHERE oid = coalesce(
        (SELECT relowner FROM pg_class WHERE oid = to_regclass(
            'atlas_schema_revisions.atlas_schema_revisions')),
        (SELECT oid FROM pg_roles WHERE rolname = current_user))"""


def read_schema(url: str) -> Schema:
    """The schema of the database at `url` without Atlas's own, in the order of creation.

    Raises:
        MigrateError: `pg_dump` is missing, too old for the server, or failed.
    """
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        owner = connection.execute(DEFAULT_OWNER).fetchone() or ("", "")
        invalid = [name for (name,) in connection.execute(INVALID_INDEXES)]
        [(stored_dump,)] = connection.execute(STORED_DUMP, [SNAPSHOT_PREFIX]).fetchall()
        absent = [option for (option,) in connection.execute(ABSENT)]
    schema = parse_dump(stored_dump or run_pg_dump(url, *absent), *owner)
    for name in invalid:
        drop_sql = f"DROP INDEX IF EXISTS {name};"
        schema[f"INVALID INDEX {name}"] = SchemaObject("INVALID INDEX", name, "", drop_sql)
    return schema


def run_pg_dump(url: str, *options: str) -> str:
    """The schema of the database at `url` as an SQL script, by `pg_dump` with these options as well.

    Raises:
        MigrateError: `pg_dump` failed; exit code 5 where another session blocked it for 10 seconds.
    """
    parameters = conninfo_to_dict(url)
    password = str(parameters.pop("password", ""))
    command: list[str | Path] = [
        installation() / "pg_dump", "--schema-only", "--clean", "--if-exists",
        "--exclude-schema=atlas_schema_revisions", "--no-subscriptions", "--no-tablespaces",
        "--lock-wait-timeout=10s", "--encoding=UTF8", *options,
        f"--dbname={make_conninfo('', **parameters)}",
    ]  # fmt: skip
    environment = for_client_of(url, **({"PGPASSWORD": password} if password else {}))
    finished = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    if not finished.returncode:
        return finished.stdout
    stderr = finished.stderr.strip()
    message = f"the schema cannot be read: {stderr}\nNothing was changed."
    if "lock timeout" in stderr:
        raise MigrateError(f"{message} A migration is running: retry when it ends.", Exit.BUSY)
    raise MigrateError(message)


def parse_dump(text: str, owner: str = "", quoted_owner: str = "") -> Schema:
    """The objects of a dump. `owner` is the role that applies migrations: what it owns gets no
    OWNER object, and in privileges it is CURRENT_USER."""
    text = text[: text.rfind("\n--\n-- PostgreSQL database dump complete")]
    start = ENTRY_HEADER.search(text)
    drops = [
        strip_comments(each) for each in split_statements(text[: start.start()] if start else "")
    ]
    headers = list(ENTRY_HEADER.finditer(text))
    schema: Schema = {}
    ends = [*(header.start() for header in headers), len(text)]
    for header, end in zip(headers, ends[1:], strict=True):
        kind, namespace = header["kind"], header["schema"]
        create_sql = DEFAULT_SETTINGS.sub("", text[header.end() : end]).strip()
        if kind == "MATERIALIZED VIEW":  # which cannot be read until it is filled
            create_sql = create_sql.replace("\n  WITH NO DATA;", ";")
        name = header["name"] if namespace == "-" else f"{namespace}.{header['name']}"
        if kind in ("ACL", "COMMENT"):  # named after the kind and the name of another object
            name = re.sub(r"^(\S+\.)((?:[A-Z]+ )+)", r"\2\1", name)
        owned = OWNER_STATEMENT.search(create_sql)
        if owned:
            create_sql = create_sql[: owned.start()].strip()
        if kind in ("ACL", "DEFAULT ACL"):
            role = re.escape(quoted_owner)
            grantee = rf"(?<=FROM ){role}(?=;)|(?<=TO ){role}(?=;)"
            create_sql = re.sub(grantee, "CURRENT_USER", create_sql)
            create_sql = create_sql.replace(f" FOR ROLE {quoted_owner} ", " ")
        # The comment on an extension comes from the extension, and differs by its version.
        if create_sql and not create_sql.startswith("COMMENT ON EXTENSION"):
            obj = SchemaObject(kind, name, create_sql, "")
            schema[obj.label] = obj
        if owned and header["owner"] != owner:
            to_current_user = f"{owned[1].removesuffix(f'{owned[3]};')}CURRENT_USER;"
            obj = SchemaObject("OWNER", f"{kind} {name}", owned[1], to_current_user)
            schema[obj.label] = obj
    _pair_drops(schema, drops)
    return schema


def _pair_drops(schema: Schema, drops: list[str]) -> None:
    """Give objects their DROP statements, which come in reverse order; not every kind has one."""
    by_kind: dict[str, list[str]] = {}
    for drop in drops:
        if found := DROP_STATEMENT.match(drop):
            by_kind.setdefault(found["kind"], []).append(drop)
    for label, obj in schema.items():
        kind = obj.kind.split()[-1] if "CONSTRAINT" in obj.kind else obj.kind
        candidates = by_kind.get(kind, [])
        if candidates and _dropped_name(candidates[-1]) in obj.create_sql:
            schema[label] = obj._replace(drop_sql=candidates.pop())


def _dropped_name(drop: str) -> str:
    """The name of what is dropped, without its schema."""
    found = re.search(rf"IF EXISTS (?:ONLY )?(?:{IDENTIFIER}\.)?({IDENTIFIER})", drop)
    return found[1] if found else ""
