import inspect
from contextlib import nullcontext
from uuid import uuid4

import pytest

from application import teams, users
from application.ports import Collision
from domain.errors import LastOwner, NotFound, StaleVersion
from domain.models import Role, Team, User
from tests.unit.fakes import FakeUnitOfWork

pytestmark = pytest.mark.anyio


@pytest.fixture
def ada() -> User:
    user = User(username="ada", email="ada@example.com")
    user.version = 1
    return user


async def test_a_registered_user_is_committed() -> None:
    uow = FakeUnitOfWork()

    user = await users.register(uow, username="ada", email="ada@example.com")

    assert uow.users.stored == {user.id: user}
    assert uow.committed


async def test_a_change_touches_only_what_is_given(ada: User) -> None:
    uow = FakeUnitOfWork(users=[ada])

    await users.change(uow, ada.id, {1}, email="ada@example.org")

    assert (ada.username, ada.email) == ("ada", "ada@example.org")
    assert uow.committed


async def test_a_change_of_an_old_version_is_refused(ada: User) -> None:
    uow = FakeUnitOfWork(users=[ada])

    with pytest.raises(StaleVersion):
        await users.change(uow, ada.id, {0}, email="ada@example.org")

    assert ada.email == "ada@example.com"
    assert not uow.committed


async def test_a_deleted_user_leaves_all_teams(ada: User) -> None:
    bob = User(username="bob", email="bob@example.com")
    team = Team(name="Engines", owner=bob)
    team.assign(ada, Role.MEMBER)
    uow = FakeUnitOfWork(users=[ada, bob], teams=[team])

    await users.delete(uow, ada.id, {1})

    assert ada.deleted_at is not None
    assert [membership.user_id for membership in team.memberships] == [bob.id]
    assert uow.committed


async def test_the_last_owner_of_a_team_cannot_be_deleted(ada: User) -> None:
    uow = FakeUnitOfWork(users=[ada], teams=[Team(name="Engines", owner=ada)])

    with pytest.raises(LastOwner):
        await users.delete(uow, ada.id, {1})

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
        await users.register(uow, username="ada", email="ada@example.com")

    assert uow.committed == succeeds


def test_every_use_case_that_commits_can_begin_again() -> None:
    for use_case in (each for module in (teams, users) for each in vars(module).values()):
        if inspect.iscoroutinefunction(use_case):
            commits = "uow.commit()" in inspect.getsource(use_case)
            assert hasattr(use_case, "__wrapped__") == commits, use_case
