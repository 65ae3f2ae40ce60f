"""What is checked before a database is migrated: the server, the role's rights, the indexes."""

import re
from contextlib import closing

from modelmigrate.atlas.directory import Migration
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.revisions import REVISIONS_TABLE, MigrationStatus
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import Environment
from modelmigrate.schema.dump import INVALID_INDEXES

PRIVILEGES = """
    SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
           current_setting('server_version_num')::int, current_user, current_database(),
           has_schema_privilege(current_user, 'public', 'CREATE'),
           to_regclass('atlas_schema_revisions.atlas_schema_revisions') IS NOT NULL,
           has_database_privilege(current_database(), 'CREATE')"""
REVISION_RIGHTS = f"""
    SELECT has_schema_privilege('atlas_schema_revisions', 'USAGE')
       AND has_table_privilege('{REVISIONS_TABLE}', 'SELECT')
       AND has_table_privilege('{REVISIONS_TABLE}', 'INSERT')
       AND has_table_privilege('{REVISIONS_TABLE}', 'UPDATE')"""


def check_privileges(target: Environment) -> None:
    """Raise MigrateError where this server or this role cannot be migrated with."""
    with closing(connect(target.url)) as connection:
        [row] = connection.execute(PRIVILEGES).fetchall()
        standby, read_only, number, role, database, creates, recorded, may_record = row
        if recorded and not standby:
            may_record = bool((connection.execute(REVISION_RIGHTS.encode()).fetchone() or [0])[0])
    problems = {
        "it is a standby, which takes no changes: name its primary": standby,
        "it is read-only (default_transaction_read_only)": read_only and not standby,
        f"it is PostgreSQL {number // 10000}: 14 or newer is needed": number < 140000,
        f'the role lacks a right: GRANT CREATE ON SCHEMA public TO "{role}"': not creates,
        f'the role cannot keep the record: GRANT CREATE ON DATABASE "{database}" TO "{role}"': (
            not may_record and not recorded
        ),
        "the role may not write the record: GRANT USAGE ON SCHEMA atlas_schema_revisions TO"
        f' "{role}"; GRANT SELECT, INSERT, UPDATE, DELETE ON {REVISIONS_TABLE} TO "{role}"': (
            not may_record and recorded
        ),
    }
    found = [problem for problem, there in problems.items() if there]
    if standby:
        found = found[:1]
    if found:
        lines = "\n".join(f"  {problem}" for problem in found)
        raise MigrateError(f"{target.title} cannot be migrated:\n{lines}\nNothing was touched.")


def invalid_indexes(url: str) -> list[str]:
    with closing(connect(url)) as connection:
        return [name for (name,) in connection.execute(INVALID_INDEXES)]


def check_indexes(url: str, status: MigrationStatus) -> None:
    """Drop what a failed attempt of ours left; raise MigrateError (exit code 3) for anything else."""
    broken = invalid_indexes(url)
    ours = [name for name in broken if created_by(status.pending[:1], name)]
    drop_concurrently(url, ours)
    if foreign := [name for name in broken if name not in ours]:
        cures = "\n".join(f"  DROP INDEX CONCURRENTLY {name};" for name in foreign)
        raise MigrateError(
            "there are INVALID indexes, left by CREATE INDEX CONCURRENTLY when it failed. Nothing"
            f" was applied. Drop them, or rebuild them by REINDEX INDEX CONCURRENTLY:\n{cures}",
            Exit.REFUSED,
        )


def created_by(migrations: list[Migration], index: str) -> bool:
    bare = index.rpartition(".")[2].strip('"')
    return any(
        re.search(rf'INDEX CONCURRENTLY (IF NOT EXISTS )?"?{re.escape(bare)}"?\s', each.sql)
        for each in migrations
        if not each.in_transaction
    )


def drop_concurrently(url: str, indexes: list[str]) -> None:
    if indexes:
        with closing(connect(url)) as connection:
            for name in indexes:
                connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}".encode())
                print(f"  dropped {name}, which a failed attempt left INVALID", flush=True)
