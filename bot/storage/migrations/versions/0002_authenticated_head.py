"""A head that can't be moved, interactions that are run once, and indexes for what is asked."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables. The head is signed when the key is known, in the same transaction."""
    op.add_column("audit_head", sa.Column("log_id", sa.String(32), nullable=False, server_default=""))
    for name in ("entries", "pruned_entries"):
        op.add_column("audit_head", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("audit_head", sa.Column("mac", sa.String(64), nullable=False, server_default=""))
    head = sa.table("audit_head", sa.column("log_id"), sa.column("entries"))
    entries = sa.text("(SELECT count(*) FROM audit_records WHERE kind != 'ending')")
    op.execute(head.update().values(log_id=secrets.token_hex(8), entries=entries))
    op.drop_index("ix_audit_records_user_id", "audit_records")
    op.create_index("ix_audit_records_user", "audit_records", ["user_id", "number"])
    op.create_index("ix_audit_records_team", "audit_records", ["team_id", "number"])
    op.create_index("ix_audit_records_action", "audit_records", ["action", "number"])
    op.create_index("ix_audit_records_kind", "audit_records", ["kind", "number"])
    op.create_index("ix_audit_records_attempt", "audit_records", ["attempt"])
    op.create_table(
        "interactions",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False, index=True),
        sa.Column("attempt", sa.BigInteger, index=True),
        sa.Column("is_finished", sa.Boolean, nullable=False, index=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("reply_to", sa.Text),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("interactions")
    for name in ("user", "team", "action", "kind", "attempt"):
        op.drop_index(f"ix_audit_records_{name}", "audit_records")
    op.create_index("ix_audit_records_user_id", "audit_records", ["user_id"])
    for name in ("log_id", "entries", "pruned_entries", "mac"):
        op.drop_column("audit_head", name)
