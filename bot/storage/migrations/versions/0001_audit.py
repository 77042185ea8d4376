"""The audit record and the installation's key."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NO_HASH = "0" * 64


def upgrade() -> None:
    """Make the tables, and the one row of the head."""
    op.create_table(
        "audit_records",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False, index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("attempt", sa.BigInteger),
        sa.Column("team_id", sa.String(64)),
        sa.Column("enterprise_id", sa.String(64)),
        sa.Column("user_id", sa.String(64), index=True),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("code", sa.String(255)),
        sa.Column("milliseconds", sa.Integer),
        sa.Column("token_hmac", sa.String(64), index=True),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("pruned_number", sa.BigInteger, nullable=False),
        sa.Column("pruned_hash", sa.String(64), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "hash": NO_HASH, "pruned_number": 0, "pruned_hash": NO_HASH}])
    op.create_table(
        "installation_keys",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.String(128), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("audit_records", "audit_head", "installation_keys"):
        op.drop_table(table)
