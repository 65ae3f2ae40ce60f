"""What tables have in common: names, identity, version, timestamps, soft deletion."""

import re
from collections.abc import Container
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, Enum, MetaData, func
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from domain.errors import StaleVersion
from domain.ids import uuid7

# For changes to whatever is there; the column is an integer.
ANY_VERSION: Container[int] = range(2**31)


class Base(DeclarativeBase):
    """Holds the one `metadata`, in which every constraint has a predictable name."""

    metadata = MetaData(
        naming_convention={
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        # The database holds what the program says ("owner"), not the names of Python's members.
        StrEnum: Enum(StrEnum, values_callable=lambda enum: [member.value for member in enum]),
    }


class BaseEntity(Base):
    """A thing with an identity, known before it is stored, and a version, which grows as it is."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)
    version: Mapped[int] = mapped_column(server_default="1", sort_order=1)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=1)
    # What is changed by hand is dated by the trigger `set_updated_at` of users and of teams.
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), onupdate=func.now(), sort_order=1
    )

    # Each UPDATE names the version that was read, and brings back what the database computed.
    __mapper_args__: Any = {"version_id_col": version, "eager_defaults": True}  # noqa: RUF012

    def __init__(self, **values: Any) -> None:
        super().__init__(**{"id": uuid7()} | values)

    @declared_attr.directive
    @classmethod
    def __tablename__(cls) -> str:
        """`BlogPost` is kept in `blog_posts`, unless the class says otherwise."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower() + "s"

    def require_version(self, seen: Container[int]) -> None:
        """Raise StaleVersion unless the entity is still at a version that was seen."""
        if self.version not in seen:
            raise StaleVersion


class SoftDeletable:
    """Deleted rows stay in their table, and are seen by no query of the service."""

    deleted_at: Mapped[datetime | None] = mapped_column(sort_order=2)

    def delete(self) -> None:
        self.deleted_at = datetime.now(UTC)
