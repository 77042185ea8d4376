"""The tables, as the newest migration leaves them. Change one only together with a migration."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

metadata = MetaData()

audit_records = Table(
    "audit_records",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False, index=True),  # microseconds since the epoch, UTC
    Column("kind", String(16), nullable=False),
    Column("reference", String(16), nullable=False),
    Column("attempt", BigInteger),  # of a result: the number of its attempt
    Column("team_id", String(64)),
    Column("enterprise_id", String(64)),
    Column("user_id", String(64), index=True),
    Column("action", String(16), nullable=False),
    Column("parameters", Text, nullable=False),  # JSON
    Column("outcome", String(16)),
    Column("code", String(255)),
    Column("milliseconds", Integer),
    Column("token_hmac", String(64), index=True),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # there is one row: 1
    Column("number", BigInteger, nullable=False),  # the newest row, and its hash
    Column("hash", String(64), nullable=False),
    Column("pruned_number", BigInteger, nullable=False),  # the newest row that was pruned, and its hash
    Column("pruned_hash", String(64), nullable=False),
)

installation_keys = Table(
    "installation_keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", String(128), nullable=False),
)
