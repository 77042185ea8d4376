"""The tables, as the newest migration leaves them. Changing a table takes a migration, where the indexes are, too."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

SCHEMA = "v2"
"""The version of the newest migration."""

metadata = MetaData()

audit_records = Table(
    "audit_records",
    metadata,
    Column("chain", String(64), primary_key=True),  # the workspace's ID; empty for the operator's chain
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),  # microseconds since the epoch, UTC
    Column("kind", String(16), nullable=False),
    Column("reference", String(16), nullable=False),
    Column("attempt", BigInteger),  # for a result: the number of its attempt, in the same chain
    Column("interaction", String(64)),  # for an attempt or denial: the hash of its payload, unique in its chain
    Column("team_id", String(64)),
    Column("enterprise_id", String(64)),
    Column("user_id", String(64)),
    Column("action", String(16), nullable=False),
    Column("external_token_id", String(255)),
    Column("provider_key", String(255)),
    Column("parameters", Text, nullable=False),  # the remaining parameters, as JSON
    Column("outcome", String(16)),
    Column("code", String(255)),
    Column("milliseconds", Integer),
    Column("token_hmac", String(64)),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("log_id", String(32), nullable=False),  # unique to this chain, across databases too
    Column("number", BigInteger, nullable=False),  # the number of the newest row, followed by that row's hash
    Column("hash", String(64), nullable=False),
    Column("entries", BigInteger, nullable=False),  # the number ever written; an attempt and its result are one
    Column("pruned_number", BigInteger, nullable=False),  # the number of the newest pruned row, followed by its hash
    Column("pruned_hash", String(64), nullable=False),
    Column("pruned_entries", BigInteger, nullable=False),
    Column("verified", BigInteger, nullable=False),  # the row of the last verification, in the operator's chain
    Column("mac", String(64), nullable=False),  # made with the key over the columns above
)

batches = Table(
    "batches",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", BigInteger, nullable=False),  # microseconds since the epoch, UTC
    Column("state", String(16), nullable=False),
    Column("content", Text, nullable=False),  # the owner, the items, and the results, encrypted
)

account_states = Table(
    "account_states",
    metadata,
    Column("team_id", String(64), primary_key=True),
    Column("token_id", String(255), primary_key=True),
    Column("provider_key", String(255)),
    Column("at", BigInteger, nullable=False),  # the last test's time: microseconds since the epoch, UTC
    Column("state", String(16), nullable=False),
    Column("code", String(255)),
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("due", BigInteger, nullable=False),  # microseconds since the epoch, UTC; moving it claims the work
)

workspace_settings = Table(
    "workspace_settings",
    metadata,
    Column("workspace_id", String(64), primary_key=True),  # or the organization's, for an org-wide installation
    Column("version", BigInteger, nullable=False),  # a save succeeds only if this hasn't changed since it was read
    Column("content", Text, nullable=False),  # the workspace, the version, and the decided settings, encrypted
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
    Column("workspace_id", String(64), primary_key=True),  # or the organization's, for an org-wide installation
    Column("at", BigInteger, nullable=False),  # microseconds since the epoch, UTC
    Column("content", Text, nullable=False),  # the tokens and their workspace, encrypted
    Column("refreshing_until", BigInteger),  # microseconds, UTC; until then, one process renews the token
)

oauth_states = Table(
    "oauth_states",
    metadata,
    Column("hash", String(64), primary_key=True),  # the hash of a used state
    Column("expires_at", BigInteger, nullable=False),  # microseconds since the epoch, UTC
)
