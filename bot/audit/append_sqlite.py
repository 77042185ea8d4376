"""Appends to a log in SQLite: each batch is one call to the driver's thread, and one transaction.

The driver runs the statements itself. To build and run these few with SQLAlchemy takes nine times as long.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, insert, literal_column, null, select, true, update
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.sql import ClauseElement

from bot.audit.append import Item, plan
from bot.audit.head import HEAD_FIELDS, authentic, stored_head
from bot.audit.keys import AuditKey
from bot.storage.sqlite import SqliteDatabase
from bot.storage.tables import audit_head, audit_records, interactions


class SqliteAppender:
    """Appends batches to a log in SQLite."""

    def __init__(self, database: SqliteDatabase, key: AuditKey) -> None:
        self._database = database
        self._key = key
        self._sql = _statements()

    async def append(self, batch: Sequence[Item], answered: Sequence[str]) -> Sequence[int | None]:
        """Write a batch and note who has been answered. Returns the numbers of the plan. Raises DatabaseError."""
        return await self._database.write(lambda connection: self._append(connection, batch, answered))

    def _append(
        self, connection: sqlite3.Connection, batch: Sequence[Item], answered: Sequence[str]
    ) -> Sequence[int | None]:
        if answered:
            connection.execute(self._sql.answer, {"values": json.dumps(answered)})
        if not batch:
            return []
        found = connection.execute(self._sql.read_head).fetchone()
        head = authentic(stored_head(dict(zip(HEAD_FIELDS, found, strict=True)), self._key) if found else None)
        keys = [item.claim.key for item in batch if item.claim is not None]
        claims = connection.execute(self._sql.read_claims, {"values": json.dumps(keys)}) if keys else ()
        made = plan(self._key, head, {key: (owner, attempt) for key, owner, attempt in claims}, batch)
        connection.executemany(self._sql.write_claim, made.claims.values())
        if made.rows:
            connection.executemany(self._sql.write_row, made.rows)
            connection.execute(self._sql.write_head, made.head.stored(self._key))
        if made.finished:
            connection.execute(self._sql.finish, {"values": json.dumps(made.finished)})
        return made.numbers


@dataclass(frozen=True)
class _Statements:
    read_head: str
    write_head: str
    write_row: str
    read_claims: str
    write_claim: str
    finish: str
    answer: str


@cache
def _statements() -> _Statements:
    claim = interactions.c
    given = func.json_each(bindparam("values")).table_valued("value").c.value
    put = upsert(interactions)
    replaced = {name: put.excluded[name] for name in ("at", "attempt", "is_finished", "reply_to")}
    is_head = audit_head.c.id == literal_column("1")
    head: dict[str, Any] = {name: bindparam(name) for name in HEAD_FIELDS}
    answered = {"reply_to": null(), "is_finished": claim.is_finished | claim.attempt.is_(None)}
    return _Statements(
        read_head=_sql(select(*(audit_head.c[name] for name in HEAD_FIELDS)).where(is_head)),
        write_head=_sql(update(audit_head).where(is_head).values(head)),
        write_row=_sql(insert(audit_records)),
        read_claims=_sql(select(claim.key, claim.owner, claim.attempt).where(claim.key.in_(select(given)))),
        write_claim=_sql(put.on_conflict_do_update(index_elements=[claim.key], set_=replaced)),
        finish=_sql(update(interactions).where(claim.attempt.in_(select(given))).values(is_finished=true())),
        # What was never begun has no result to wait for.
        answer=_sql(update(interactions).where(claim.key.in_(select(given))).values(answered)),
    )


def _sql(statement: ClauseElement) -> str:
    return str(statement.compile(dialect=dialect(paramstyle="named")))
