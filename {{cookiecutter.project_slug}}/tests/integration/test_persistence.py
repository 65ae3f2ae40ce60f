import asyncio
import re
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import event, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from structlog.typing import EventDict

from application import teams, users
from application.ports import Caller, Unavailable
from domain.errors import (
    AlreadyRegistered,
    Conflict,
    EmailTaken,
    LastOwner,
    NotFound,
    StaleVersion,
    UsernameTaken,
)
from domain.models import Base, Role, Team, User
from domain.models.audit import AuditEntry
from domain.models.base import ANY_VERSION
from infrastructure.persistence.database import create_engine, create_sessions
from infrastructure.persistence.schema_version import newest_migration
from infrastructure.persistence.unit_of_work import VIOLATIONS, SqlUnitOfWork
from infrastructure.settings import Settings

pytestmark = pytest.mark.anyio

ADA, BOB = Caller("ada"), Caller("bob")
Begin = Callable[[], SqlUnitOfWork]


@pytest.fixture
def begin(engine: AsyncEngine) -> Begin:
    return partial(SqlUnitOfWork, create_sessions(engine))


@pytest.fixture
def slow(engine: AsyncEngine) -> Begin:
    return partial(Slow, create_sessions(engine))


class Slow(SqlUnitOfWork):
    """Gives others the time to read what is about to change."""

    async def commit(self) -> None:
        await asyncio.sleep(0.2)
        await super().commit()


async def register(begin: Begin, name: str) -> User:
    return await users.register(begin(), Caller(name), username=name, email=f"{name}@example.com")


async def test_the_migrations_hold_every_column_of_the_models(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        migrated = await connection.run_sync(
            lambda sync: {
                f"{table}.{column['name']}"
                for table in inspect(sync).get_table_names()
                for column in inspect(sync).get_columns(table)
            }
        )
    modelled = {str(column) for table in Base.metadata.tables.values() for column in table.c}

    assert modelled - migrated == set(), "run: make migrate-create m=..."


async def test_what_is_not_committed_has_never_happened(begin: Begin) -> None:
    user = User(username="ada", email="ada@example.com")
    async with begin() as uow:
        uow.users.add(user)

    with pytest.raises(NotFound):
        await users.get(begin(), user.id)


async def test_the_database_fills_in_versions_and_times(begin: Begin) -> None:
    user = await register(begin, "ada")
    before = user.updated_at
    user = await users.change(begin(), ADA, user.id, {1}, email="ada@example.org")

    assert user.version == 2
    assert user.created_at == before < user.updated_at


async def test_what_is_changed_by_hand_is_dated_too(begin: Begin, engine: AsyncEngine) -> None:
    ada = await register(begin, "ada")
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE users SET email = 'ada@example.org'"))

    assert (await users.get(begin(), ada.id)).updated_at > ada.updated_at


async def test_who_belonged_to_a_team_stays_on_record(begin: Begin, engine: AsyncEngine) -> None:
    ada, bob = await register(begin, "ada"), await register(begin, "bob")
    team = await teams.create(begin(), name="Engines", owner_id=ada.id, parent_id=None)
    for role in (Role.MEMBER, Role.OWNER):
        await teams.assign(begin(), ADA, team.id, ANY_VERSION, bob.id, role)
    await teams.remove(begin(), ADA, team.id, ANY_VERSION, bob.id)

    query = select(AuditEntry).where(AuditEntry.table_name == "memberships").order_by(AuditEntry.id)
    async with AsyncSession(engine) as session:
        entries = (await session.scalars(query)).all()
    roles = [
        (entry.operation, *((row or {}).get("role") for row in (entry.before, entry.after)))
        for entry in entries[1:]
    ]
    assert roles == [
        ("INSERT", None, "member"),
        ("UPDATE", "member", "owner"),
        ("DELETE", "owner", None),
    ]
    assert entries[0].after == {
        "team_id": str(team.id),
        "user_id": str(ada.id),
        "role": "owner",
    }


async def test_sizes_of_teams_are_those_of_the_last_refresh(
    begin: Begin, engine: AsyncEngine
) -> None:
    ada = await register(begin, "ada")
    await teams.create(begin(), name="Engines", owner_id=ada.id, parent_id=None)

    sizes = []
    async with engine.connect() as connection:
        for _ in range(2):
            found = await connection.execute(text("SELECT name, members FROM team_sizes"))
            sizes.append([tuple(row) for row in found])
            await connection.execute(text("CALL refresh_team_sizes()"))
    assert sizes == [[], [("Engines", 1)]]


async def test_a_search_is_answered_from_its_indexes(begin: Begin, engine: AsyncEngine) -> None:
    sent: list[Any] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *call: sent.append(call[2:4]))
    async with begin() as uow:
        await uow.teams.search("Engines", None, 10)
    [(query, values)] = sent

    async with engine.connect() as connection:
        for other in ("seqscan", "indexscan"):  # what an empty table would be read by
            await connection.execute(text(f"SET enable_{other} = off"))
        plan = await connection.exec_driver_sql(f"EXPLAIN {query}", values)
        used = set(re.findall(r"ix_\w+", "\n".join(plan.scalars())))
    assert used == {"ix_teams_name_words", "ix_teams_name_likeness"}


def test_each_violation_is_named_after_something_in_the_schema() -> None:
    tables = Base.metadata.tables.values()
    constraints = {each.name for table in tables for each in table.constraints}
    indexes = {each.name for table in tables for each in table.indexes}

    assert set(VIOLATIONS) <= constraints | indexes


async def test_an_address_belongs_to_one_user_however_it_is_spelt(begin: Begin) -> None:
    await register(begin, "ada")

    with pytest.raises(EmailTaken):
        await users.register(begin(), BOB, username="bob", email="ADA@example.com")


async def test_a_username_belongs_to_one_user(begin: Begin) -> None:
    await register(begin, "ada")

    with pytest.raises(UsernameTaken):
        await users.register(begin(), BOB, username="ada", email="bob@example.com")


async def test_a_caller_is_one_user(begin: Begin) -> None:
    await register(begin, "ada")

    with pytest.raises(AlreadyRegistered):
        await users.register(begin(), ADA, username="ada2", email="ada2@example.com")


async def test_who_is_deleted_may_come_back_with_the_same_address(begin: Begin) -> None:
    for name in ("ada", "ada2", "ada3"):
        ada = await users.register(begin(), ADA, username=name, email="ada@example.com")
        await users.delete(begin(), ADA, ada.id, ANY_VERSION)


async def test_a_violation_that_nobody_mapped_is_a_conflict_and_the_log_has_its_name(
    begin: Begin, logs: list[EventDict]
) -> None:
    ada = await register(begin, "ada")
    team = Team(name="Engines", owner=ada)
    team.parent_id = team.id

    async with begin() as uow:
        uow.teams.add(team)
        with pytest.raises(Conflict):
            await uow.commit()
    assert [(log["table"], log["constraint"]) for log in logs] == [
        ("teams", "ck_teams_not_its_own_parent")
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO users (id, username, email) SELECT gen_random_uuid(), username, email FROM users",
        "SELECT email::integer FROM users",
        "DO $$ BEGIN PERFORM email::date FROM users; END $$",
        "UPDATE users SET id = NULL",
    ],
)
async def test_no_error_of_the_database_says_what_was_stored(
    begin: Begin, engine: AsyncEngine, statement: str
) -> None:
    await register(begin, "zoe")

    async with engine.connect() as connection:
        with pytest.raises(DBAPIError) as error:
            await connection.execute(text(statement))
    told = "".join(traceback.format_exception(error.value))
    assert error.value.orig is not None
    assert type(error.value.orig).__name__ in told
    assert "zoe" not in told


async def test_a_deleted_user_is_kept_unseen_and_without_what_is_personal(
    begin: Begin, engine: AsyncEngine
) -> None:
    ada, bob = await register(begin, "ada"), await register(begin, "bob")
    await users.delete(begin(), ADA, ada.id, ANY_VERSION)

    with pytest.raises(NotFound):
        await users.get(begin(), ada.id)
    assert [user.id for user in (await users.page(begin(), None, 10)).items] == [bob.id]
    async with engine.connect() as connection:
        stored = await connection.scalars(
            text("SELECT (subject, email)::text FROM users ORDER BY id")
        )
        assert stored.all() == [f"(,{ada.id}@deleted.invalid)", "(bob,bob@example.com)"]


async def test_of_two_changes_to_one_version_the_second_fails(begin: Begin) -> None:
    ada = await register(begin, "ada")

    async with begin() as first, begin() as second:
        (await first.users.get(ada.id)).email = "first@example.com"
        (await second.users.get(ada.id)).email = "second@example.com"
        await first.commit()
        with pytest.raises(StaleVersion):
            await second.commit()

    assert (await users.get(begin(), ada.id)).email == "first@example.com"


async def test_who_locks_what_they_have_read_before_sees_it_as_it_is_now(begin: Begin) -> None:
    ada = await register(begin, "ada")
    made = await teams.create(begin(), name="Engines", owner_id=ada.id, parent_id=None)
    async with begin() as uow:
        user, team = await uow.users.get(ada.id), await uow.teams.get(made.id)
        await users.change(begin(), ADA, ada.id, {1}, email="ada@example.org")
        bob = await register(begin, "bob")
        await teams.assign(begin(), ADA, made.id, {1}, bob.id, Role.MEMBER)

        assert await uow.users.lock(ada.id) is user
        assert await uow.teams.lock(made.id) is team
        assert (user.email, user.version) == ("ada@example.org", 2)
        assert ({each.user_id for each in team.memberships}, team.version) == ({ada.id, bob.id}, 2)


async def test_pages_show_each_entity_once_in_the_order_of_making(begin: Begin) -> None:
    made = [(await register(begin, name)).id for name in ("a", "b", "c", "d", "e")]

    seen: list[UUID] = []
    after: UUID | None = None
    sizes: list[int] = []
    while not sizes or after:
        page = await users.page(begin(), after, 2)
        seen += [user.id for user in page.items]
        sizes.append(len(page.items))
        after = page.next_after

    assert sizes == [2, 2, 1]
    assert seen == sorted(made)


async def test_two_owners_who_leave_at_once_do_not_leave_the_team_alone(
    begin: Begin, slow: Begin
) -> None:
    ada, bob = await register(begin, "ada"), await register(begin, "bob")
    team = await teams.create(begin(), name="Engines", owner_id=ada.id, parent_id=None)
    await teams.assign(begin(), ADA, team.id, ANY_VERSION, bob.id, Role.OWNER)

    results = await asyncio.gather(
        teams.remove(slow(), ADA, team.id, ANY_VERSION, ada.id),
        users.delete(slow(), BOB, bob.id, ANY_VERSION),
        return_exceptions=True,
    )

    assert {type(result) for result in results} == {LastOwner, type(None)}
    assert len((await teams.get(begin(), team.id)).memberships) == 1


async def test_a_user_is_not_made_an_owner_while_being_deleted(begin: Begin, slow: Begin) -> None:
    ada, bob = await register(begin, "ada"), await register(begin, "bob")
    team = await teams.create(begin(), name="Engines", owner_id=ada.id, parent_id=None)

    await asyncio.gather(
        users.delete(slow(), BOB, bob.id, ANY_VERSION),
        teams.assign(slow(), ADA, team.id, ANY_VERSION, bob.id, Role.OWNER),
        return_exceptions=True,
    )

    team = await teams.get(begin(), team.id)
    assert [membership.user_id for membership in team.memberships] == [ada.id]


@pytest.mark.parametrize("pooler", [False, True])
async def test_statements_have_limits_and_nothing_is_left_in_the_sessions_of_a_pooler(
    settings: Settings, pooler: bool
) -> None:
    known = settings.model_copy(update={"database_pooler": pooler, "service_name": "ours"})
    url = f"{settings.database_url.get_secret_value()}&options=-c%20work_mem%3D1MB"
    engine = create_engine(known.model_copy(update={"database_url": SecretStr(url)}))
    query = text("""
        SELECT current_setting('statement_timeout'),
            current_setting('idle_in_transaction_session_timeout'),
            current_setting('application_name'), current_setting('work_mem')
    """)
    async with engine.connect() as connection:
        for _ in range(10):
            limits = (await connection.execute(query)).one()
            await connection.commit()
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        left = [
            (await (await driver.execute(ask)).fetchone())[0]
            for ask in ("SHOW statement_timeout", "SELECT count(*) FROM pg_prepared_statements")
        ]
    await engine.dispose()

    newest = newest_migration(settings.migrations_dir)
    assert limits == ("10s", "30s", f"ours schema={newest}", "1MB")
    assert left == (["0", 0] if pooler else ["10s", 0])


async def test_a_transaction_that_idles_is_ended_and_its_caller_may_try_again(
    settings: Settings,
) -> None:
    engine = create_engine(settings.model_copy(update={"database_idle_timeout": 1}))
    begin = partial(SqlUnitOfWork, create_sessions(engine))

    async def idle() -> None:
        async with begin() as uow:
            await uow.users.page(None, 1)
            await asyncio.sleep(1.5)
            await uow.users.page(None, 1)

    with pytest.raises(Unavailable):
        await idle()

    assert (await users.page(begin(), None, 1)).items == []
    await engine.dispose()
