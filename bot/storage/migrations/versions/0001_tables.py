"""All tables, and their indexes."""

import sqlalchemy as sa
from alembic import op

from bot.storage.tables import metadata

revision = "v2"
down_revision = None
branch_labels = None
depends_on = None

BEGINS_ENTRY = "kind != 'result'"
"""The condition of most indexes, which leave out results because those are looked up by their attempts."""


def upgrade() -> None:
    """Create the tables as `metadata` defines them. A later migration must first write out their present form here."""
    metadata.create_all(op.get_bind(), checkfirst=False)
    for name, columns, where in (
        ("at", ["at"], BEGINS_ENTRY),
        ("user", ["user_id", "chain", "number"], BEGINS_ENTRY),
        ("action", ["action", "chain", "number"], BEGINS_ENTRY),
        ("kind", ["kind", "chain", "number"], f"{BEGINS_ENTRY} AND kind != 'attempt'"),
        ("token", ["external_token_id", "chain", "number"], f"{BEGINS_ENTRY} AND external_token_id IS NOT NULL"),
        ("provider", ["provider_key", "chain", "number"], f"{BEGINS_ENTRY} AND provider_key IS NOT NULL"),
        ("attempt", ["chain", "attempt"], "attempt IS NOT NULL"),
        ("token_hmac", ["token_hmac"], "token_hmac IS NOT NULL"),
        ("interaction", ["interaction", "chain"], "interaction IS NOT NULL"),
    ):
        op.create_index(
            f"ix_audit_records_{name}",
            "audit_records",
            columns,
            unique=name == "interaction",
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.create_index("ix_batches_at", "batches", ["at"])
    op.create_index("ix_oauth_states_expires_at", "oauth_states", ["expires_at"])


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
