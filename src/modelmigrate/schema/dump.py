"""The whole schema of a database, read from `pg_dump`: the basis of every comparison.

`pg_dump` knows every kind of object, writes the SQL that creates each and the SQL that drops it, and
orders both so that they run. So two databases have the same schema when their dumps are the same, and
an object that is in one dump only can be created or dropped without catalog queries of our own.
"""

import functools
import json
import re
import subprocess
from contextlib import closing
from dataclasses import fields
from operator import attrgetter
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from modelmigrate.errors import Exit, MigrateError
from modelmigrate.isolation import for_client_of
from modelmigrate.postgres.binaries import installation
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.snapshots import SNAPSHOT_PREFIX, STORED_SCHEMA, once
from modelmigrate.schema.archive import Entry, read_archive
from modelmigrate.schema.diff import Schema, SchemaObject
from modelmigrate.schema.inheritance import without_inherited
from modelmigrate.sql.names import label_part

STORED_FIELDS = attrgetter(*(each.name for each in fields(SchemaObject)))
# What is written for a whole database, which is not ours to create.
OF_DATABASE = re.compile(
    r"ENCODING|STDSTRINGS|SEARCHPATH|DATABASE|(COMMENT|ACL|SECURITY LABEL) DATABASE "
)
# What has an owner; the words for it in ALTER ... OWNER TO are those of its DROP statement.
OWNABLE = {
    "AGGREGATE", "COLLATION", "CONVERSION", "DOMAIN", "EVENT TRIGGER", "FOREIGN DATA WRAPPER",
    "FOREIGN TABLE", "FUNCTION", "MATERIALIZED VIEW", "OPERATOR", "OPERATOR CLASS",
    "OPERATOR FAMILY", "PROCEDURAL LANGUAGE", "PROCEDURE", "PUBLICATION", "SCHEMA", "SEQUENCE",
    "SERVER", "STATISTICS", "TABLE", "TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TYPE",
    "VIEW",
}  # fmt: skip
# What other objects are parts of.
WHOLES = {"FOREIGN TABLE", "MATERIALIZED VIEW", "TABLE", "VIEW"}
# What an archive names by its own name alone, not after its table's.
NAMED_ALONE = WHOLES | {
    "COLLATION", "DOMAIN", "INDEX", "INDEX ATTACH", "ROW SECURITY", "SEQUENCE", "SEQUENCE OWNED BY",
    "STATISTICS", "TABLE ATTACH", "TYPE",
}  # fmt: skip
INVALID_INDEXES = """
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = indexrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE NOT indisvalid AND c.relkind = 'i' AND indexrelid NOT IN
        (SELECT index_relid FROM pg_stat_progress_create_index WHERE datname = current_database())
    ORDER BY 1"""
# What need not be read where there is none of it: each costs `pg_dump` a tenth of its time. Those below
# 16384 came with the server; of these, `pg_dump` writes the comment on public if that was changed. What an
# extension says of itself and of its parts counts for nothing.
ABSENT = """
    SELECT '--no-security-labels' WHERE NOT EXISTS (SELECT FROM pg_seclabel)
    UNION ALL SELECT '--no-comments' WHERE NOT EXISTS (
        SELECT FROM pg_description WHERE objoid >= 16384 AND classoid <> 'pg_extension'::regclass
            AND (classoid, objoid) NOT IN (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'))
        AND EXISTS (SELECT FROM pg_description
            WHERE objoid = to_regnamespace('public') AND description = 'standard public schema')"""
# The role that applies migrations owns what they create. Its name differs between databases, so its
# objects count as having no particular owner.
DEFAULT_OWNER = """
    SELECT rolname, quote_ident(rolname) FROM pg_roles WHERE oid = coalesce(
        (SELECT relowner FROM pg_class WHERE oid = to_regclass(
            'atlas_schema_revisions.atlas_schema_revisions')),
        (SELECT oid FROM pg_roles WHERE rolname = current_user))"""


@once
def read_schema(url: str) -> Schema:
    """The schema of the database at `url` without Atlas's own, in the order of creation.

    Raises:
        MigrateError: `pg_dump` is missing, too old for the server, or failed.
    """
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        [(stored,)] = connection.execute(STORED_SCHEMA, [SNAPSHOT_PREFIX]).fetchall()
        if stored:
            return load_schema(stored)
        owner, quoted_owner = connection.execute(DEFAULT_OWNER).fetchone() or ("", "")
        roles = dict(connection.execute("SELECT rolname, quote_ident(rolname) FROM pg_roles"))
        invalid = [
            SchemaObject("INVALID INDEX", name, "", f"DROP INDEX IF EXISTS {name};")
            for (name,) in connection.execute(INVALID_INDEXES)
        ]
        absent = [option for (option,) in connection.execute(ABSENT)]
    schema = schema_of(read_archive(run_pg_dump(url, *absent)), roles | {owner: ""}, quoted_owner)
    return schema | {obj.label: obj for obj in invalid}


def run_pg_dump(url: str, *options: str) -> bytes:
    """The schema of the database at `url` as an archive, by `pg_dump` with these options as well.

    Raises:
        MigrateError: `pg_dump` failed; exit code 5 where another session blocked it for 10 seconds.
    """
    parameters = conninfo_to_dict(url)
    password = str(parameters.pop("password", ""))
    command: list[str | Path] = [
        installation() / "pg_dump", "--format=custom", "--compress=0", "--schema-only",
        "--exclude-schema=atlas_schema_revisions", "--no-subscriptions", "--lock-wait-timeout=10s",
        "--encoding=UTF8", *options, f"--dbname={make_conninfo('', **parameters)}",
    ]  # fmt: skip
    environment = for_client_of(url, LC_ALL="C", **({"PGPASSWORD": password} if password else {}))
    finished = subprocess.run(command, env=environment, capture_output=True, check=False)
    if not finished.returncode:
        return finished.stdout
    stderr = finished.stderr.decode(errors="replace").strip()
    message = f"the schema cannot be read: {stderr}\nNothing was changed."
    if "lock timeout" in stderr:
        raise MigrateError(f"{message} A migration is running: retry when it ends.", Exit.BUSY)
    raise MigrateError(message)


# --- an archive as a schema ---


def schema_of(entries: list[Entry], roles: dict[str, str], quoted_owner: str) -> Schema:
    """The objects of a dump. `roles` are all roles, quoted; the one that applies migrations as nothing:
    what it owns gets no OWNER object, and in privileges it is CURRENT_USER."""
    entries = in_order_of_creation(with_whole_views(entries))
    by_number = {entry.number: entry for entry in entries}
    schema: Schema = {}
    for entry in entries:
        if OF_DATABASE.match(f"{entry.kind} {entry.name}") or not entry.create_sql:
            continue
        create_sql = entry.create_sql.strip()
        if entry.kind == "MATERIALIZED VIEW":  # which cannot be read until it is filled
            create_sql = create_sql.replace("\n  WITH NO DATA;", ";")
        if entry.kind in ("ACL", "DEFAULT ACL"):
            role = re.escape(quoted_owner)
            grantee = rf"(?<=FROM ){role}(?=;)|(?<=TO ){role}(?=;)"
            create_sql = re.sub(grantee, "CURRENT_USER", create_sql)
            create_sql = create_sql.replace(f" FOR ROLE {quoted_owner} ", " ")
        # The comment on an extension comes from the extension, and differs by its version.
        if not create_sql.startswith("COMMENT ON EXTENSION"):
            drop_sql = if_exists(entry.drop_sql.strip())
            parents = tuple(label_of(each, by_number) for each in wholes_of(entry, by_number))
            obj = SchemaObject(
                entry.kind, name_of(entry, by_number), create_sql, drop_sql, parents, entry.catalog,
                entry.schema,
            )  # fmt: skip
            schema[obj.label] = obj
        if entry.kind in OWNABLE and entry.drop_sql and (role := roles.get(entry.owner, "")):
            alter = (
                entry.drop_sql.strip().replace("DROP", "ALTER", 1).removesuffix(";") + " OWNER TO"
            )
            label = label_of(entry, by_number)
            obj = SchemaObject(
                "OWNER", label, f"{alter} {role};", f"{alter} CURRENT_USER;", (label,),
                schema=entry.schema,
            )  # fmt: skip
            schema[obj.label] = obj
    return without_inherited(schema)


def with_whole_views(entries: list[Entry]) -> list[Entry]:
    """The entries without placeholders: a view that needs a primary key, by GROUP BY, is dumped as a
    view of NULLs, and becomes itself by a rule after the key. Here it is created once, after the key."""
    rules = {
        (each.schema, each.name.removesuffix(" _RETURN")): each
        for each in entries
        if each.kind == "RULE" and each.create_sql.startswith("CREATE OR REPLACE VIEW ")
    }
    whole = []
    for each in entries:
        rule = rules.get((each.schema, each.name)) if each.kind == "VIEW" else None
        if rule:
            whole.append(
                each._replace(
                    create_sql=rule.create_sql.replace("CREATE OR REPLACE", "CREATE", 1),
                    dependencies=(each.dependencies | rule.dependencies) - {each.number},
                )
            )
        elif each not in rules.values():
            whole.append(each)
    return whole


def in_order_of_creation(entries: list[Entry]) -> list[Entry]:
    """The entries, in their order where that works, and else after what they need."""
    by_number = {entry.number: entry for entry in entries}
    ordered: dict[int, Entry] = {}

    def add(entry: Entry) -> None:
        waiting = [entry]
        while waiting:
            needed = [
                by_number[number]
                for number in sorted(waiting[-1].dependencies)
                if number in by_number
                and number not in ordered
                and by_number[number] not in waiting
            ]
            if needed:
                waiting.append(needed[0])
            else:
                ordered.setdefault(waiting[-1].number, waiting.pop())

    for entry in entries:
        add(entry)
    return list(ordered.values())


def wholes_of(entry: Entry, by_number: dict[int, Entry]) -> list[Entry]:
    """What an entry is a part of: the table of an index, the view of a comment, the tables that another
    one inherits from."""
    needed = [by_number[number] for number in sorted(entry.dependencies) if number in by_number]
    match entry.kind:
        case "TABLE" | "INDEX" | "SEQUENCE" | "STATISTICS" | "PUBLICATION TABLE":
            return [each for each in needed if each.kind in WHOLES]
        case "ACL" | "COMMENT" | "SECURITY LABEL" | "SEQUENCE OWNED BY":
            return [each for each in needed if each.kind != "ACL"]
        case _ if entry.kind in OWNABLE:
            return []
    # Of the others, the name begins with that of their table; they may need other tables, too.
    named = [
        each
        for each in needed
        if each.kind in WHOLES | {"DOMAIN"}
        and each.schema == entry.schema
        and f"{entry.name} ".startswith(f"{each.name} ")
    ]
    # Where a name with spaces could be that of two of them, its statement names the one.
    for each in named if len(named) > 1 else []:
        table = re.escape(each.drop_sql.strip().removesuffix(";").partition(f"{each.kind} ")[2])
        if re.search(rf" (?:ON|ONLY) {table}(?: DROP | ALTER |;)", entry.drop_sql):
            return [each]
    return [max(named, key=lambda each: len(each.name))] if named else []


def name_of(entry: Entry, by_number: dict[int, Entry]) -> str:
    """The name with its schema: `public.users users_pkey`, of a comment `COLUMN public.users.id`."""
    if not entry.schema:
        return entry.name
    schema = label_part(entry.schema)
    if entry.kind in ("ACL", "COMMENT", "SECURITY LABEL"):  # named after another object
        kind = re.match(r"(?:[A-Z]+ )+", entry.name)
        return f"{kind[0] if kind else ''}{schema}.{entry.name[kind.end() if kind else 0 :]}"
    if entry.kind in NAMED_ALONE:
        return f"{schema}.{label_part(entry.name)}"
    for whole in wholes_of(entry, by_number):
        if entry.name.startswith(f"{whole.name} "):
            own = label_part(entry.name.removeprefix(f"{whole.name} "))
            return f"{schema}.{label_part(whole.name)} {own}"
    return f"{schema}.{entry.name}"


def label_of(entry: Entry, by_number: dict[int, Entry]) -> str:
    """As `SchemaObject.label`."""
    return f"{entry.kind} {name_of(entry, by_number)}"


@functools.cache  # the dumps of one command have mostly the same statements
def if_exists(drop_sql: str) -> str:
    """A DROP statement that does nothing where there is nothing to drop."""
    drop_sql = re.sub(r"^(ALTER TABLE|DROP [A-Z ]*[A-Z])(?= )", r"\1 IF EXISTS", drop_sql)
    return re.sub(r"( DROP CONSTRAINT)(?= )", r"\1 IF EXISTS", drop_sql, count=1)


# --- kept with a snapshot ---


def save_schema(schema: Schema) -> str:
    """A schema as text."""
    return json.dumps([*map(STORED_FIELDS, schema.values())])


def load_schema(text: str) -> Schema:
    """A schema from its text."""
    loaded = (
        SchemaObject(kind, name, create_sql, drop_sql, tuple(belongs_to), tuple(catalog), schema)
        for kind, name, create_sql, drop_sql, belongs_to, catalog, schema in json.loads(text)
    )
    return {obj.label: obj for obj in loaded}
