import inspect
from contextlib import nullcontext
from uuid import uuid4

import pytest

from application import teams, users
from application.ports import ADMIN, Caller, Collision
from domain.errors import Forbidden, LastOwner, NotFound, StaleVersion
from domain.models import Role, Team, User
from tests.unit.fakes import FakeUnitOfWork

pytestmark = pytest.mark.anyio

ADA, BOB = Caller("ada"), Caller("bob")


@pytest.fixture
def ada() -> User:
    return user("ada")


@pytest.fixture
def bob() -> User:
    return user("bob")


def user(name: str) -> User:
    made = User(subject=name, username=name, email=f"{name}@example.com")
    made.version = 1
    return made


async def test_a_registered_user_is_committed() -> None:
    uow = FakeUnitOfWork()

    user = await users.register(uow, ADA, username="ada", email="ada@example.com")

    assert uow.users.stored == {user.id: user}
    assert user.subject == "ada"
    assert uow.committed


async def test_a_change_touches_only_what_is_given(ada: User) -> None:
    uow = FakeUnitOfWork(users=[ada])

    await users.change(uow, ADA, ada.id, {1}, email="ada@example.org")

    assert (ada.username, ada.email) == ("ada", "ada@example.org")
    assert uow.committed


async def test_a_change_of_an_old_version_is_refused(ada: User) -> None:
    uow = FakeUnitOfWork(users=[ada])

    with pytest.raises(StaleVersion):
        await users.change(uow, ADA, ada.id, {0}, email="ada@example.org")

    assert ada.email == "ada@example.com"
    assert not uow.committed


async def test_a_deleted_user_leaves_all_teams(ada: User, bob: User) -> None:
    team = Team(name="Engines", owner=bob)
    team.assign(ada, Role.MEMBER)
    uow = FakeUnitOfWork(users=[ada, bob], teams=[team])

    await users.delete(uow, ADA, ada.id, {1})

    assert ada.deleted_at is not None
    assert [membership.user_id for membership in team.memberships] == [bob.id]
    assert uow.committed


async def test_the_last_owner_of_a_team_cannot_be_deleted(ada: User) -> None:
    uow = FakeUnitOfWork(users=[ada], teams=[Team(name="Engines", owner=ada)])

    with pytest.raises(LastOwner):
        await users.delete(uow, ADA, ada.id, {1})

    assert ada.deleted_at is None
    assert not uow.committed


async def test_a_team_needs_an_owner_and_a_parent_that_exist(ada: User) -> None:
    uow = FakeUnitOfWork(users=[ada])

    with pytest.raises(NotFound):
        await teams.create(uow, name="Engines", owner_id=uuid4(), parent_id=None)
    with pytest.raises(NotFound):
        await teams.create(uow, name="Engines", owner_id=ada.id, parent_id=uuid4())

    assert not uow.teams.stored
    assert not uow.committed


@pytest.mark.parametrize(
    ("caller", "may"),
    [
        (ADA, True),
        (BOB, False),  # a member
        (Caller("a stranger"), False),
        (Caller("a stranger", frozenset({ADMIN})), True),
    ],
)
async def test_members_of_a_team_are_changed_by_its_owners_alone(
    ada: User, bob: User, caller: Caller, may: bool
) -> None:
    team = Team(name="Engines", owner=ada)
    team.assign(bob, Role.MEMBER)
    team.version = 1
    carl = user("carl")
    uow = FakeUnitOfWork(users=[ada, bob, carl], teams=[team])

    for change in (
        teams.assign(uow, caller, team.id, {1}, carl.id, Role.OWNER),
        teams.remove(uow, caller, team.id, {1}, bob.id),
    ):
        uow.committed = False
        with nullcontext() if may else pytest.raises(Forbidden):
            await change
        assert uow.committed == may

    members = {ada.id, carl.id} if may else {ada.id, bob.id}
    assert {each.user_id for each in team.memberships} == members


async def test_a_user_is_changed_and_deleted_by_nobody_else(ada: User) -> None:
    uow = FakeUnitOfWork(users=[ada])

    for refused in (
        users.change(uow, BOB, ada.id, {1}, email="bob@example.com"),
        users.delete(uow, BOB, ada.id, {1}),
    ):
        with pytest.raises(Forbidden):
            await refused

    assert (ada.email, ada.deleted_at, uow.committed) == ("ada@example.com", None, False)
    await users.delete(uow, Caller("bob", frozenset({ADMIN})), ada.id, {1})
    assert uow.committed


@pytest.mark.parametrize(("collisions", "succeeds"), [(2, True), (3, False)])
async def test_after_a_collision_the_use_case_begins_again_a_few_times(
    collisions: int, succeeds: bool
) -> None:
    class Colliding(FakeUnitOfWork):
        async def commit(self) -> None:
            nonlocal collisions
            collisions -= 1
            if collisions >= 0:
                raise Collision
            await super().commit()

    uow = Colliding()

    with nullcontext() if succeeds else pytest.raises(Collision):
        await users.register(uow, ADA, username="ada", email="ada@example.com")

    assert uow.committed == succeeds


def test_every_use_case_that_commits_can_begin_again() -> None:
    for use_case in (each for module in (teams, users) for each in vars(module).values()):
        if inspect.iscoroutinefunction(use_case):
            commits = "uow.commit()" in inspect.getsource(use_case)
            assert hasattr(use_case, "__wrapped__") == commits, use_case
