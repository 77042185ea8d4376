"""Where the bot is installed, installations that have begun, and room for an encrypted key."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables. An encrypted key is longer than the key."""
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

    with op.batch_alter_table("installation_keys") as table:
        table.alter_column("value", type_=sa.Text, existing_nullable=False)


def downgrade() -> None:
    """Take them away again."""
    with op.batch_alter_table("installation_keys") as table:
        table.alter_column("value", type_=sa.String(128), existing_nullable=False)
    for name in ("oauth_states", "installations"):
        op.drop_table(name)
