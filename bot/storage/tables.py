"""The tables, as the newest migration leaves them. Change one only together with a migration."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
)

from bot.storage.expressions import parameter

SCHEMA = "0008"
"""The newest migration."""
NO_HASH = "0" * 64
"""What stands in the head for a row that there isn't."""

metadata = MetaData()

audit_records = Table(
    "audit_records",
    metadata,
    Column("chain", String(64), primary_key=True),  # the workspace's ID; empty: the one that all shared before 0005
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False, index=True),  # microseconds since the epoch, UTC
    Column("kind", String(16), nullable=False),
    Column("reference", String(16), nullable=False),
    Column("attempt", BigInteger),  # of a result: the number of its attempt, in the same chain
    Column("team_id", String(64)),
    Column("enterprise_id", String(64)),
    Column("user_id", String(64)),
    Column("action", String(16), nullable=False),
    Column("parameters", Text, nullable=False),  # JSON
    Column("outcome", String(16)),
    Column("code", String(255)),
    Column("milliseconds", Integer),
    Column("token_hmac", String(64)),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
TOKEN_ID = parameter(audit_records.c.parameters, "external_token_id")
PROVIDER_KEY = parameter(audit_records.c.parameters, "provider_key")
# A query finds by an index of some rows only if it says the same words, so these are no values that are bound later.
BEGINS_ENTRY = audit_records.c.kind != literal_column("'ending'")
"""The rows that begin an entry: all but results, by which nothing is looked up but their attempts."""
STANDS_ALONE = BEGINS_ENTRY & (audit_records.c.kind != literal_column("'attempt'"))
"""The few rows that are an entry by themselves, such as denials."""


def _index(name: str, *columns: Any, where: ColumnElement[bool]) -> None:
    """Index some rows only: each index that a row is in makes writing it dearer.

    `create_tables` passes the condition on to the database in use: given to Index here, it would load every dialect.
    """
    Index(f"ix_{name}", *columns, info={"where": where})


def create_tables(connection: Connection) -> None:
    """Make the tables in an empty database."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options[connection.dialect.name]["where"] = index.info["where"]
    metadata.create_all(connection, checkfirst=False)


_records = audit_records.c
_index("audit_records_user", _records.user_id, _records.number, where=BEGINS_ENTRY)
_index("audit_records_team", _records.team_id, _records.number, where=BEGINS_ENTRY)
_index("audit_records_action", _records.action, _records.number, where=BEGINS_ENTRY)
_index("audit_records_token", TOKEN_ID, _records.number, where=BEGINS_ENTRY)
_index("audit_records_provider", PROVIDER_KEY, _records.number, where=BEGINS_ENTRY)
_index("audit_records_kind", _records.kind, _records.number, where=STANDS_ALONE)
_index("audit_records_attempt", _records.chain, _records.attempt, where=_records.attempt.is_not(None))
_index("audit_records_token_hmac", _records.token_hmac, where=_records.token_hmac.is_not(None))

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("ordinal", BigInteger, nullable=False, unique=True),  # its number among the chains, from 1 on
    Column("log_id", String(32), nullable=False),  # tells this chain from any other, also of another database
    Column("carried_number", BigInteger, nullable=False),  # rows up to this one are in the chain that all shared
    Column("number", BigInteger, nullable=False),  # the newest row, and its hash
    Column("hash", String(64), nullable=False),
    Column("entries", BigInteger, nullable=False),  # ever written; a result belongs to its attempt's entry
    Column("pruned_number", BigInteger, nullable=False),  # the newest row that was pruned, and its hash
    Column("pruned_hash", String(64), nullable=False),
    Column("pruned_entries", BigInteger, nullable=False),
    Column("mac", String(64), nullable=False),  # under the key, over all of the above
)

audit_root = Table(
    "audit_root",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # there is one row: 1
    Column("chains", BigInteger, nullable=False),  # how many there are, so that none can be taken away whole
    Column("carried_number", BigInteger, nullable=False),  # where the chain that all shared ended
    Column("mac", String(64), nullable=False),
)

interactions = Table(
    "interactions",
    metadata,
    Column("key", String(64), primary_key=True),  # the hash of a payload: the same one is run once
    Column("at", BigInteger, nullable=False, index=True),  # microseconds since the epoch, UTC
    Column("chain", String(64), nullable=False),  # of its attempt
    Column("attempt", BigInteger),
    Column("is_finished", Boolean, nullable=False),
    Column("owner", String(128), nullable=False),  # the process that runs it
    Column("reply_to", Text),  # where its person can be told, encrypted; gone once it is finished
)
_index(
    "interactions_attempt",
    interactions.c.chain,
    interactions.c.attempt,
    where=interactions.c.attempt.is_not(None),
)

batches = Table(
    "batches",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),  # microseconds since the epoch, UTC
    Column("state", String(16), nullable=False),
    Column("content", Text, nullable=False),  # whose it is, what is in it, and how it went, encrypted
)

account_states = Table(
    "account_states",
    metadata,
    Column("team_id", String(64), primary_key=True),
    Column("token_id", String(255), primary_key=True),
    Column("provider_key", String(255)),
    Column("at", BigInteger, nullable=False),  # of its last test: microseconds since the epoch, UTC
    Column("state", String(16), nullable=False),
    Column("code", String(255)),
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("due", BigInteger, nullable=False),  # microseconds since the epoch, UTC: whoever moves it on does the work
)

workspace_settings = Table(
    "workspace_settings",
    metadata,
    Column("workspace_id", String(64), primary_key=True),  # or the organization's, of an org-wide installation
    Column("version", BigInteger, nullable=False),  # whoever moves it on has saved
    Column("content", Text, nullable=False),  # whose it is, its version, and what was decided, encrypted
)

installation_keys = Table(
    "installation_keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

installations = Table(
    "installations",
    metadata,
    Column("workspace_id", String(64), primary_key=True),  # or, of an org-wide one, the organization's
    Column("at", BigInteger, nullable=False),  # microseconds since the epoch, UTC
    Column("content", Text, nullable=False),  # the tokens and whose they are, encrypted
    Column("refreshing_until", BigInteger),  # until then, one process has Slack renew the token
)

oauth_states = Table(
    "oauth_states",
    metadata,
    Column("hash", String(64), primary_key=True),  # of what a browser carries to Slack and back
    Column("expires_at", BigInteger, nullable=False, index=True),  # microseconds since the epoch, UTC
)
