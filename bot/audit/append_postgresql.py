"""Appends to a log in PostgreSQL: as a rule, each batch is one statement, and so one round trip.

That statement counts on the head this process wrote last. Where another process has written since, it does nothing,
and the batch is written in a transaction that locks the head first.
"""

import json
from collections.abc import Sequence

import asyncpg

from bot.audit.append import Item, Plan, plan
from bot.audit.head import Head, authentic, stored_head
from bot.audit.keys import AuditKey
from bot.storage.database import DatabaseError
from bot.storage.postgresql import PostgresDatabase

_READ_HEAD = "SELECT * FROM audit_head WHERE id = 1 FOR UPDATE"
_READ_CLAIMS = "SELECT key, owner, attempt FROM interactions WHERE key = ANY($1::text[])"
_ANSWER = """
UPDATE interactions SET reply_to = NULL, is_finished = is_finished OR attempt IS NULL WHERE key = ANY($1::text[])
"""
_RECEIVE = """
INSERT INTO interactions (key, at, attempt, is_finished, owner, reply_to)
SELECT key, at, attempt, is_finished, owner, reply_to FROM json_populate_recordset(NULL::interactions, $1)
ON CONFLICT DO NOTHING RETURNING key
"""
_WRITE = """
WITH head AS (
    UPDATE audit_head SET (number, hash, entries, mac) = ($3, $4, $5, $6) WHERE id = 1 AND number = $1 AND mac = $2
    RETURNING id
), written AS (
    INSERT INTO audit_records
    SELECT record.* FROM json_populate_recordset(NULL::audit_records, $7) AS record, head
), claimed AS (
    INSERT INTO interactions (key, at, attempt, is_finished, owner, reply_to)
    SELECT key, at, attempt, is_finished, owner, reply_to
    FROM json_populate_recordset(NULL::interactions, $8), head
    ON CONFLICT (key) DO UPDATE SET
        at = excluded.at, attempt = excluded.attempt, is_finished = excluded.is_finished, reply_to = excluded.reply_to
    WHERE interactions.owner = excluded.owner AND interactions.attempt IS NULL AND excluded.attempt IS NOT NULL
    RETURNING key
), finished AS (
    UPDATE interactions SET is_finished = true FROM head WHERE attempt = ANY($9::bigint[])
)
-- A claim that isn't ours takes everything back: division by zero is the error that a query can raise by itself.
SELECT (SELECT count(*) FROM head) / (
    CASE WHEN (SELECT count(*) FROM head) = 0 OR (SELECT count(*) FROM claimed) = $10 THEN 1 ELSE 0 END
)
"""
_NOT_OURS = asyncpg.DivisionByZeroError
_CONNECTION_LOST = (asyncpg.PostgresConnectionError, OSError)
_TRIES = 3


class PostgresAppender:
    """Appends batches to a log in PostgreSQL."""

    def __init__(self, database: PostgresDatabase, key: AuditKey) -> None:
        self._database = database
        self._key = key
        self._head: Head | None = None

    async def append(self, batch: Sequence[Item], answered: Sequence[str]) -> Sequence[int | None]:
        """Write a batch and note who has been answered. Returns the numbers of the plan. Raises DatabaseError."""
        if answered:
            async with self._database.writer() as connection:
                await connection.execute(_ANSWER, answered)
        if not batch:
            return []
        if all(item.row is None for item in batch):
            return await self._receive(batch)
        expected, self._head = self._head, None
        tried = plan(self._key, expected, {}, batch) if expected is not None else None
        made = tried if expected and tried and await self._try(expected, tried) else await self._append(batch, tried)
        self._head = made.head
        return made.numbers

    async def _receive(self, batch: Sequence[Item]) -> Sequence[int | None]:
        """Write claims alone, which leaves the chain as it is."""
        made = plan(self._key, _NO_HEAD, {}, batch)
        async with self._database.writer() as connection:
            found = await connection.fetch(_RECEIVE, json.dumps(list(made.claims.values())))
        new = {record["key"] for record in found}
        return [
            number if item.claim is not None and item.claim.key in new else None
            for item, number in zip(batch, made.numbers, strict=True)
        ]

    async def _try(self, expected: Head, made: Plan) -> bool:
        """Write a plan in one round trip. Returns False when it wasn't written, or nobody knows."""
        try:
            async with self._database.writer() as connection:
                return await self._write(connection, expected, made)
        except DatabaseError as error:
            if isinstance(error.__context__, (_NOT_OURS, *_CONNECTION_LOST)):
                return False
            raise

    async def _append(self, batch: Sequence[Item], tried: Plan | None) -> Plan:
        """Write a batch in a transaction that locks the head."""
        for left in reversed(range(_TRIES)):
            try:
                async with self._database.writer() as connection, connection.transaction():
                    found = await connection.fetchrow(_READ_HEAD)
                    head = authentic(stored_head(dict(found), self._key) if found is not None else None)
                    if tried is not None and tried.rows and head == tried.head:
                        return tried  # The connection was lost only after it had been written.
                    keys = [item.claim.key for item in batch if item.claim is not None]
                    claims = await connection.fetch(_READ_CLAIMS, keys)
                    known = {claim["key"]: (claim["owner"], claim["attempt"]) for claim in claims}
                    made = plan(self._key, head, known, batch)
                    await self._write(connection, head, made)
                    return made
            except DatabaseError as error:
                # Another process may have claimed one of the interactions in between.
                if not left or not isinstance(error.__context__, _NOT_OURS):
                    raise
        raise AssertionError("The last try returns or raises.")

    async def _write(self, connection: asyncpg.Connection, expected: Head, made: Plan) -> bool:
        """Write a plan, if the head is the expected one. Returns whether it was."""
        head, claims = made.head, list(made.claims.values())
        is_expected = await connection.fetchval(
            _WRITE,
            *(expected.number, expected.mac(self._key)),
            *(head.number, head.hash, head.entries, head.mac(self._key)),
            *(json.dumps(made.rows), json.dumps(claims), made.finished, len(claims)),
        )
        return bool(is_expected)


_NO_HEAD = Head(log_id="", number=0, hash="", entries=0, pruned_number=0, pruned_hash="", pruned_entries=0)
