"""Batches, what the last tests of accounts found, and when work that runs by itself is due."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "batches",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False, index=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "account_states",
        sa.Column("team_id", sa.String(64), primary_key=True),
        sa.Column("token_id", sa.String(255), primary_key=True),
        sa.Column("provider_key", sa.String(255)),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("code", sa.String(255)),
    )
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("due", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Take them away again."""
    for name in ("schedules", "account_states", "batches"):
        op.drop_table(name)
