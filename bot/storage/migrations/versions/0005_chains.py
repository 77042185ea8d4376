"""A chain of its own for each workspace. What was written before stays in the one chain that all shared, named ""."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INDEXED = ("at", "token_hmac")
PARAMETERS = {"token": "external_token_id", "provider": "provider_key"}
EXPRESSIONS = {
    "sqlite": "CASE WHEN json_valid(parameters) THEN json_extract(parameters, '$.{}') END",
    "postgresql": """substring(parameters, '"{}": "([A-Za-z0-9_.-]*)"')""",
}
WITH_NUMBER = {"user": "user_id", "team": "team_id", "action": "action", "kind": "kind"}


def upgrade() -> None:
    """Add the chain to the primary keys. Rows and hashes stay as they are; `sign_log` signs the heads again."""
    _carry_records()
    _carry_interactions()
    _carry_head()


def _carry_records() -> None:
    for name in (*INDEXED, *WITH_NUMBER, "attempt", *PARAMETERS):
        op.drop_index(f"ix_audit_records_{name}", "audit_records")
    op.rename_table("audit_records", "single_audit_records")
    columns: list[sa.Column[Any]] = [
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("attempt", sa.BigInteger),
        sa.Column("team_id", sa.String(64)),
        sa.Column("enterprise_id", sa.String(64)),
        sa.Column("user_id", sa.String(64)),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("code", sa.String(255)),
        sa.Column("milliseconds", sa.Integer),
        sa.Column("token_hmac", sa.String(64)),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    ]
    names = ", ".join(column.name for column in columns)
    op.create_table("audit_records", sa.Column("chain", sa.String(64), primary_key=True), *columns)
    op.execute(f"INSERT INTO audit_records (chain, {names}) SELECT '', {names} FROM single_audit_records")  # noqa: S608
    op.drop_table("single_audit_records")
    if op.get_bind().dialect.name == "postgresql":
        # The name was taken until now.
        op.execute("ALTER TABLE audit_records RENAME CONSTRAINT audit_records_pkey1 TO audit_records_pkey")
    for name in INDEXED:
        op.create_index(f"ix_audit_records_{name}", "audit_records", [name])
    for name, column in WITH_NUMBER.items():
        op.create_index(f"ix_audit_records_{name}", "audit_records", [column, "number"])
    op.create_index("ix_audit_records_attempt", "audit_records", ["chain", "attempt"])
    expression = EXPRESSIONS[op.get_bind().dialect.name]
    for name, parameter in PARAMETERS.items():
        indexed = sa.text(expression.format(parameter))
        op.create_index(f"ix_audit_records_{name}", "audit_records", [indexed, "number"])


def _carry_interactions() -> None:
    op.drop_index("ix_interactions_attempt", "interactions")
    op.add_column("interactions", sa.Column("chain", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_interactions_attempt", "interactions", ["chain", "attempt"])


def _carry_head() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("chain", sa.String(64), primary_key=True),
        sa.Column("ordinal", sa.BigInteger, nullable=False, unique=True),
        sa.Column("log_id", sa.String(32), nullable=False),
        sa.Column("carried_number", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.Column("pruned_number", sa.BigInteger, nullable=False),
        sa.Column("pruned_hash", sa.String(64), nullable=False),
        sa.Column("pruned_entries", sa.BigInteger, nullable=False),
        sa.Column("mac", sa.String(64), nullable=False),
    )
    op.create_table(
        "audit_root",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("chains", sa.BigInteger, nullable=False),
        sa.Column("carried_number", sa.BigInteger, nullable=False),
        sa.Column("mac", sa.String(64), nullable=False),
    )
    kept = "log_id, number, hash, entries, pruned_number, pruned_hash, pruned_entries, mac"
    op.execute(
        f"INSERT INTO audit_heads (chain, ordinal, carried_number, {kept}) "  # noqa: S608
        f"SELECT '', 1, number, {kept} FROM audit_head"
    )
    op.execute("INSERT INTO audit_root (id, chains, carried_number, mac) SELECT 1, 1, number, '' FROM audit_head")
    op.drop_table("audit_head")


def downgrade() -> None:
    """There is no way back: what was written since can't be put into one chain."""
    raise NotImplementedError("Restore the backup that was made before the upgrade.")
