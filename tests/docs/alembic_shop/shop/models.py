"""The models that the revisions were made from."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Numeric,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Of all."""


class Customer(Base):
    """Who orders."""

    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("email", name="customers_email_key"),)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(String(255))


class Order(Base):
    """What is ordered. Nobody noticed that its check is in no database."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="orders_amount"),
        Index("ix_orders_customer_id", "customer_id"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", name="orders_customer_id_fkey")
    )
    state: Mapped[str] = mapped_column(Enum("open", "paid", name="state"))
    amount: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), server_default="0")
    changed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
