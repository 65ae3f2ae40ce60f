"""Fixtures for a project's tests: its migrated schema, in databases that are thrown away."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

# What the fixtures need is imported by them: every run of pytest loads this file.


@pytest.fixture(scope="session")
def migrated_database() -> Iterator[str]:
    """The URL of a database to which all migrations of the project were applied; never change it,
    since it is what each test gets a copy of. On a server of our own, what is set for libpq is out of the
    environment until the tests have ended: clients of theirs would take it from there."""
    from modelmigrate.atlas.directory import read_migrations
    from modelmigrate.errors import MigrateError
    from modelmigrate.isolation import own_server, without_libpq_variables
    from modelmigrate.schema.states import replay_migrations

    try:
        with (
            replay_migrations(read_migrations()) as url,
            without_libpq_variables() if own_server(url) else nullcontext(),
        ):
            yield url
    except MigrateError as error:
        pytest.exit(f"the tests' database cannot be made: {error}", returncode=1)


@pytest.fixture
def database_url(migrated_database: str) -> Iterator[str]:
    """The URL of a database with the migrated schema, for this test alone."""
    from modelmigrate.postgres.scratch import scratch_database

    with scratch_database(template=migrated_database) as url:
        yield url
