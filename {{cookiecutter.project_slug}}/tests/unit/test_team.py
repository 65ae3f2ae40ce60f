import pytest

from domain.errors import LastOwner
from domain.models import Role, Team, User


@pytest.fixture
def ada() -> User:
    return User(username="ada", email="ada@example.com")


@pytest.fixture
def bob() -> User:
    return User(username="bob", email="bob@example.com")


@pytest.fixture
def team(ada: User) -> Team:
    return Team(name="Engines", owner=ada)


def roles(team: Team) -> dict[object, Role]:
    return {membership.user_id: membership.role for membership in team.memberships}


def test_a_team_is_owned_by_its_founder(team: Team, ada: User) -> None:
    assert roles(team) == {ada.id: Role.OWNER}


def test_a_team_knows_its_parent_before_anything_is_stored(team: Team, ada: User) -> None:
    assert Team(name="Cards", owner=ada, parent=team).parent_id == team.id


def test_assigning_again_replaces_the_role(team: Team, ada: User, bob: User) -> None:
    team.assign(bob, Role.MEMBER)
    team.assign(bob, Role.OWNER)

    assert roles(team) == {ada.id: Role.OWNER, bob.id: Role.OWNER}


def test_the_last_owner_cannot_leave(team: Team, ada: User, bob: User) -> None:
    team.assign(bob, Role.MEMBER)

    with pytest.raises(LastOwner):
        team.remove(ada.id)

    assert roles(team) == {ada.id: Role.OWNER, bob.id: Role.MEMBER}


def test_the_last_owner_cannot_step_down(team: Team, ada: User) -> None:
    with pytest.raises(LastOwner):
        team.assign(ada, Role.MEMBER)

    assert roles(team) == {ada.id: Role.OWNER}


def test_an_owner_can_leave_when_there_is_another(team: Team, ada: User, bob: User) -> None:
    team.assign(bob, Role.OWNER)
    team.remove(ada.id)

    assert roles(team) == {bob.id: Role.OWNER}


def test_removing_a_stranger_changes_nothing(team: Team, ada: User, bob: User) -> None:
    team.remove(bob.id)

    assert roles(team) == {ada.id: Role.OWNER}
