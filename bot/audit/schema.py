"""The signed schema of the tables, which reveals additions, such as a trigger that keeps rows from being written."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from bot.audit.chain import OPERATOR, Head
from bot.audit.keys import AuditKey, is_equal
from bot.storage.engine import DatabaseError
from bot.storage.schema import Schema, differences, read_schema
from bot.storage.tables import audit_heads, installation_keys

_NAME = "schema"


def begin_log(connection: Connection, key: AuditKey) -> None:
    """Sign the current schema and begin the operator's chain, in the transaction that made the tables."""
    kept = json.dumps(sorted([*place, how] for place, how in read_schema(connection).items()))
    connection.execute(insert(installation_keys).values(name=_NAME, value=f"{key.mac(_NAME, kept)} {kept}"))
    connection.execute(insert(audit_heads), Head(OPERATOR).row(key))


def schema_differences(connection: Connection, key: AuditKey) -> Sequence[str]:
    """Return a short description of each difference between the database and the migration's schema."""
    row = select(installation_keys.c.value).where(installation_keys.c.name == _NAME)
    mac, _, kept = str(connection.execute(row).scalar()).partition(" ")
    if not is_equal(mac, key.mac(_NAME, kept)):
        return ["the note of what the tables were is missing or altered"]
    made: Schema = {(kind, name, table): how for kind, name, table, how in json.loads(kept)}
    return differences(made, read_schema(connection))


def check_tables(connection: Connection, key: AuditKey) -> None:
    """Raise DatabaseError if the database differs from the migration's schema."""
    found = schema_differences(connection, key)
    if found:
        raise DatabaseError(f"its tables were changed: {'; '.join(found[:5])}. Undo that, or restore a backup")
