"""People."""

from sqlalchemy import Index, String, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.models.base import BaseEntity, SoftDeletable


class User(SoftDeletable, BaseEntity):
    """A username is never given out twice; an address is free again when its user is deleted."""

    # Who it is to the identity provider: an address changes, and is given to somebody else.
    subject: Mapped[str | None] = mapped_column(Text, unique=True)
    username: Mapped[str] = mapped_column(String(100), unique=True)
    email: Mapped[str] = mapped_column(String(255))

    __table_args__ = (
        Index(
            "uq_users_active_email",
            func.lower(email),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    def __init__(self, *, subject: str | None = None, username: str, email: str) -> None:
        super().__init__(subject=subject, username=username, email=email)

    def delete(self) -> None:
        """Forget what is personal, too: nothing refers to it."""
        super().delete()
        self.subject = None
        self.email = f"{self.id}@deleted.invalid"
