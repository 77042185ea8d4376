"""Where the bot is installed, and installations that have begun."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "installations",
        sa.Column("workspace_id", sa.String(64), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("refreshing_until", sa.BigInteger),
    )
    op.create_table(
        "oauth_states",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    )


def downgrade() -> None:
    """Take them away again."""
    for name in ("oauth_states", "installations"):
        op.drop_table(name)
