"""Indexes for the entries about a token or a provider."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = {"token": "external_token_id", "provider": "provider_key"}
EXPRESSIONS = {
    "sqlite": "CASE WHEN json_valid(parameters) THEN json_extract(parameters, '$.{}') END",
    "postgresql": """substring(parameters, '"{}": "([A-Za-z0-9_.-]*)"')""",
}


def upgrade() -> None:
    """Add the indexes."""
    expression = EXPRESSIONS[op.get_bind().dialect.name]
    for name, parameter in INDEXES.items():
        indexed = sa.text(expression.format(parameter))
        op.create_index(f"ix_audit_records_{name}", "audit_records", [indexed, "number"])


def downgrade() -> None:
    """Take them away again."""
    for name in INDEXES:
        op.drop_index(f"ix_audit_records_{name}", "audit_records")
