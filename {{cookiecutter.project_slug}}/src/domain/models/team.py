"""Teams, and who belongs to them as what."""

from enum import StrEnum
from typing import Optional
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.errors import LastOwner
from domain.models.base import Base, BaseEntity
from domain.models.user import User


class Role(StrEnum):
    OWNER = "owner"
    MEMBER = "member"


class Membership(Base):
    """A user's place in a team; the two ids are all the identity it needs."""

    __tablename__ = "memberships"

    team_id: Mapped[UUID] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    role: Mapped[Role]

    def __init__(self, *, user_id: UUID, role: Role) -> None:
        super().__init__(user_id=user_id, role=role)


class Team(BaseEntity):
    """Always has an owner: from its making on, and whoever leaves."""

    name: Mapped[str] = mapped_column(String(100))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("teams.id"), index=True)

    memberships: Mapped[list[Membership]] = relationship(
        cascade="all, delete-orphan", lazy="raise", order_by=Membership.user_id
    )

    __table_args__ = (
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
        # For search: by the words of a name, and by its likeness.
        Index("ix_teams_name_words", text("to_tsvector('simple', name)"), postgresql_using="gin"),
        Index("ix_teams_name_likeness", text("name gin_trgm_ops"), postgresql_using="gin"),
    )

    def __init__(self, *, name: str, owner: User, parent: Optional["Team"] = None) -> None:
        super().__init__(
            name=name,
            parent_id=parent.id if parent else None,
            memberships=[Membership(user_id=owner.id, role=Role.OWNER)],
        )

    @property
    def owner_ids(self) -> set[UUID]:
        return {each.user_id for each in self.memberships if each.role is Role.OWNER}

    def assign(self, user: User, role: Role) -> None:
        """Give the user this role, as a new member if need be; may raise LastOwner."""
        if role is not Role.OWNER:
            self._require_owner_besides(user.id)
        self._move_version()
        for membership in self.memberships:
            if membership.user_id == user.id:
                membership.role = role
                return
        self.memberships.append(Membership(user_id=user.id, role=role))

    def remove(self, user_id: UUID) -> None:
        """Let the user go, if a member at all; may raise LastOwner."""
        self._require_owner_besides(user_id)
        self._move_version()
        self.memberships = [each for each in self.memberships if each.user_id != user_id]

    def _move_version(self) -> None:
        """Members are rows of their own; a change of them has to be one of the team as well."""
        self.updated_at = func.now()

    def _require_owner_besides(self, user_id: UUID) -> None:
        if not self.owner_ids - {user_id}:
            raise LastOwner
