"""What is checked before a database is migrated: the server, the role's rights, the indexes."""

import re
from contextlib import closing

from modelmigrate.atlas.commands import REVISIONS_TABLE
from modelmigrate.atlas.directory import Migration
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.revisions import MigrationStatus
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import Environment
from modelmigrate.schema.dump import INVALID_INDEXES
from modelmigrate.sql.names import quote, split_name, unquote
from modelmigrate.terminal import say

PRIVILEGES = """
    SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
           current_setting('server_version_num')::int, current_user, current_database(),
           has_schema_privilege(current_user, 'public', 'CREATE'),
           to_regclass('atlas_schema_revisions.atlas_schema_revisions') IS NOT NULL,
           has_database_privilege(current_database(), 'CREATE')"""
REVISION_PRIVILEGES = f"""
    SELECT has_schema_privilege('atlas_schema_revisions', 'USAGE')
       AND has_table_privilege('{REVISIONS_TABLE}', 'SELECT')
       AND has_table_privilege('{REVISIONS_TABLE}', 'INSERT')
       AND has_table_privilege('{REVISIONS_TABLE}', 'UPDATE')"""


def check_privileges(environment: Environment) -> None:
    """Raise MigrateError where this server, or this role, does not allow migrations."""
    with closing(connect(environment.url)) as connection:
        [row] = connection.execute(PRIVILEGES).fetchall()
        standby, read_only, number, role, database, may_create, has_revisions, may_write = row
        if has_revisions and not standby:
            may_write = bool(
                (connection.execute(REVISION_PRIVILEGES.encode()).fetchone() or [0])[0]
            )
    problems = {
        "the server is a read-only replica: connect to the primary": standby,
        "the database is read-only (default_transaction_read_only)": read_only and not standby,
        f"the server is PostgreSQL {number // 10000}: 14 or newer is needed": number < 140000,
        f'the role lacks a privilege: GRANT CREATE ON SCHEMA public TO "{role}"': not may_create,
        "the role may not create the revision table: GRANT CREATE ON DATABASE"
        f' "{database}" TO "{role}"': not may_write and not has_revisions,
        "the role may not write the revision table: GRANT USAGE ON SCHEMA atlas_schema_revisions TO"
        f' "{role}"; GRANT SELECT, INSERT, UPDATE, DELETE ON {REVISIONS_TABLE} TO "{role}"': (
            not may_write and has_revisions
        ),
    }
    found = [problem for problem, holds in problems.items() if holds]
    if standby:
        found = found[:1]
    if found:
        lines = "\n".join(f"  {problem}" for problem in found)
        raise MigrateError(f"Cannot migrate {environment.title}:\n{lines}\nNothing was changed.")


def invalid_indexes(url: str) -> list[str]:
    """The names of the indexes that CREATE INDEX CONCURRENTLY left INVALID, quoted."""
    with closing(connect(url)) as connection:
        return [name for (name,) in connection.execute(INVALID_INDEXES)]


def check_indexes(url: str, status: MigrationStatus) -> None:
    """Drop the INVALID indexes that the next migration left when it failed; raise MigrateError (exit
    code 3) for any other."""
    invalid = invalid_indexes(url)
    own_invalid = [name for name in invalid if created_by(status.pending[:1], name)]
    drop_concurrently(url, own_invalid)
    if other_invalid := [name for name in invalid if name not in own_invalid]:
        statements = "\n".join(f"  DROP INDEX CONCURRENTLY {name};" for name in other_invalid)
        raise MigrateError(
            "there are INVALID indexes, left by a CREATE INDEX CONCURRENTLY that failed. Nothing was"
            f" changed. Drop them, or rebuild them by REINDEX INDEX CONCURRENTLY:\n{statements}",
            Exit.REFUSED,
        )


def created_by(migrations: list[Migration], index: str) -> bool:
    """Whether one of these migrations creates the index concurrently."""
    name = unquote(split_name(index)[1])
    spellings = "|".join(map(re.escape, (name, quote(name))))
    return any(
        re.search(rf"INDEX CONCURRENTLY (IF NOT EXISTS )?({spellings})\s", each.sql)
        for each in migrations
        if not each.transactional
    )


def drop_concurrently(url: str, indexes: list[str]) -> None:
    """Drop these indexes without blocking their tables, and tell."""
    if indexes:
        with closing(connect(url)) as connection:
            for name in indexes:
                connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}".encode())
                say(f"  dropped {name}, which a failed attempt left INVALID")
