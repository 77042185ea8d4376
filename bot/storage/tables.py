"""The tables, as the newest migration leaves them. Change one only together with a migration."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

from bot.storage.expressions import parameter

SCHEMA = "0007"
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
    Column("token_hmac", String(64), index=True),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_audit_records_user", "user_id", "number"),
    Index("ix_audit_records_team", "team_id", "number"),
    Index("ix_audit_records_action", "action", "number"),
    Index("ix_audit_records_kind", "kind", "number"),
    Index("ix_audit_records_attempt", "chain", "attempt"),
)
TOKEN_ID = parameter(audit_records.c.parameters, "external_token_id")
PROVIDER_KEY = parameter(audit_records.c.parameters, "provider_key")
Index("ix_audit_records_token", TOKEN_ID, audit_records.c.number)
Index("ix_audit_records_provider", PROVIDER_KEY, audit_records.c.number)

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
    Column("is_finished", Boolean, nullable=False, index=True),
    Column("owner", String(128), nullable=False),  # the process that runs it
    Column("reply_to", Text),  # where its person can be told, encrypted; gone once it is finished
    Index("ix_interactions_attempt", "chain", "attempt"),
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
