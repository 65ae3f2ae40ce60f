import time
from uuid import RFC_4122

import pytest
from sqlalchemy import Enum

from domain.errors import StaleVersion
from domain.ids import uuid7
from domain.models import Base, Role, Team, User


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = [uuid7() for _ in range(100)]

    assert {(each.version, each.variant) for each in made} == {(7, RFC_4122)}
    assert len(set(made)) == 100


def test_ids_sort_by_the_time_of_their_making() -> None:
    earlier = uuid7()
    time.sleep(0.002)

    assert earlier < uuid7()


def test_an_entity_has_its_id_before_it_is_stored() -> None:
    assert User(username="ada", email="ada@example.com").id.version == 7


def test_a_version_other_than_the_one_seen_is_stale() -> None:
    user = User(username="ada", email="ada@example.com")
    user.version = 2

    user.require_version({1, 2})
    with pytest.raises(StaleVersion):
        user.require_version({1})


def test_tables_are_named_after_their_classes() -> None:
    assert (User.__tablename__, Team.__tablename__) == ("users", "teams")


def test_the_database_holds_the_values_of_enums_not_their_names() -> None:
    kind = Base.metadata.tables["memberships"].c.role.type

    assert isinstance(kind, Enum)
    assert kind.enums == [role.value for role in Role]
