"""Appends to a log in SQLite: each batch is one call to the driver's thread, and one transaction.

The driver runs the statements itself. To build and run these few with SQLAlchemy takes nine times as long.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, insert, literal_column, null, select, true, update
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.sql import ClauseElement

from bot.audit.append import Heads, Item, Number, add_chains, chains_of, plan
from bot.audit.head import HEAD_FIELDS, ROOT_FIELDS, Head, authentic, stored_head, stored_root
from bot.audit.keys import AuditKey
from bot.storage.database import DatabaseError
from bot.storage.sqlite import SqliteDatabase
from bot.storage.tables import audit_heads, audit_records, audit_root, interactions

_MOST_ROWS = 64
"""How many rows one statement inserts. SQLite takes 32,766 values at once, and a row has 17."""


class SqliteAppender:
    """Appends batches to a log in SQLite, which has one writer at a time."""

    lanes = 1

    def __init__(self, database: SqliteDatabase, key: AuditKey) -> None:
        self._database = database
        self._key = key
        self._sql = _statements()

    async def append(self, batch: Sequence[Item], answered: Sequence[str]) -> Sequence[Number]:
        """Write a batch and note who has been answered. Returns the numbers of the plan. Raises DatabaseError."""
        return await self._database.write(lambda connection: self._append(connection, batch, answered))

    def _append(
        self, connection: sqlite3.Connection, batch: Sequence[Item], answered: Sequence[str]
    ) -> Sequence[Number]:
        if answered:
            connection.execute(self._sql.answer, {"values": json.dumps(answered)})
        if not batch:
            return []
        heads = self._heads(connection, chains_of(batch))
        keys = [item.claim.key for item in batch if item.claim is not None]
        claims = connection.execute(self._sql.read_claims, {"values": json.dumps(keys)}) if keys else ()
        made = plan(self._key, heads, {key: (owner, attempt) for key, owner, attempt in claims}, batch)
        self._sql.write_claims.run(connection, [*made.claims.values()])
        self._sql.write_rows.run(connection, made.rows)
        connection.executemany(self._sql.write_head, [head.stored(self._key) for head in made.heads.values()])
        for chain in {chain for chain, _ in made.finished}:
            attempts = [attempt for of_chain, attempt in made.finished if of_chain == chain]
            connection.execute(self._sql.finish, {"of_chain": chain, "values": json.dumps(attempts)})
        return made.numbers

    def _heads(self, connection: sqlite3.Connection, chains: Sequence[str]) -> Heads:
        """Return the heads of chains, with new ones for those that have none yet."""
        heads: dict[str, Head | DatabaseError] = {}
        for found in connection.execute(self._sql.read_heads, {"values": json.dumps(chains)}):
            row = dict(zip(HEAD_FIELDS, found, strict=True))
            try:
                heads[row["chain"]] = authentic(stored_head(row, self._key))
            except DatabaseError as error:
                heads[row["chain"]] = error
        missing = [chain for chain in chains if chain not in heads]
        return {**heads, **self._add(connection, missing)} if missing else heads

    def _add(self, connection: sqlite3.Connection, missing: Sequence[str]) -> Mapping[str, Head]:
        found = connection.execute(self._sql.read_root).fetchone()
        row = dict(zip(ROOT_FIELDS, found, strict=True)) if found is not None else None
        places = connection.execute(self._sql.read_places).fetchall()
        root, heads = add_chains(stored_root(row, self._key, places) if row is not None else None, places, missing)
        places += [head.place for head in heads.values()]
        connection.execute(self._sql.write_root, root.stored(self._key, places))
        connection.executemany(self._sql.add_head, [head.stored(self._key) for head in heads.values()])
        return heads


@dataclass(frozen=True)
class _Statements:
    read_heads: str
    write_head: str
    add_head: str
    read_places: str
    read_root: str
    write_root: str
    write_rows: "_Insert"
    read_claims: str
    write_claims: "_Insert"
    finish: str
    answer: str


@cache
def _statements() -> _Statements:
    claim = interactions.c
    given = func.json_each(bindparam("values")).table_valued("value").c.value
    put = upsert(interactions)
    replaced = {name: put.excluded[name] for name in ("at", "attempt", "is_finished", "reply_to")}
    heads, is_root = audit_heads.c, audit_root.c.id == literal_column("1")
    head: dict[str, Any] = {name: bindparam(name) for name in HEAD_FIELDS}
    root: dict[str, Any] = {name: bindparam(name) for name in ROOT_FIELDS}
    answered = {"reply_to": null(), "is_finished": claim.is_finished | claim.attempt.is_(None)}
    return _Statements(
        read_heads=_sql(select(*(heads[name] for name in HEAD_FIELDS)).where(heads.chain.in_(select(given)))),
        write_head=_sql(update(audit_heads).where(heads.chain == bindparam("chain")).values(head)),
        add_head=_sql(insert(audit_heads)),
        read_places=_sql(select(heads.ordinal, heads.chain, heads.log_id)),
        read_root=_sql(select(*(audit_root.c[name] for name in ROOT_FIELDS)).where(is_root)),
        write_root=_sql(update(audit_root).where(is_root).values(root)),
        write_rows=_Insert(insert(audit_records), audit_records.columns.keys()),
        read_claims=_sql(select(claim.key, claim.owner, claim.attempt).where(claim.key.in_(select(given)))),
        write_claims=_Insert(
            put.on_conflict_do_update(index_elements=[claim.key], set_=replaced), interactions.columns.keys()
        ),
        finish=_sql(
            update(interactions)
            .where(claim.chain == bindparam("of_chain"), claim.attempt.in_(select(given)))
            .values(is_finished=true())
        ),
        # What was never begun has no result to wait for.
        answer=_sql(update(interactions).where(claim.key.in_(select(given))).values(answered)),
    )


class _Insert:
    """An INSERT of any number of rows, many of them in each step.

    After each step the driver waits for Python's lock, which a busy event loop gives up only every now and then.
    """

    def __init__(self, statement: ClauseElement, names: Sequence[str]) -> None:
        one = str(statement.compile(dialect=dialect(paramstyle="qmark")))
        places = f"({', '.join('?' * len(names))})"
        self._before, self._after = one.split(places)
        self._places = places
        self._names = names

    def run(self, connection: sqlite3.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        begin = 0
        while begin < len(rows):
            # Powers of two, so that a few statements, which the driver keeps, do for any number of rows.
            count = min(_MOST_ROWS, 1 << ((len(rows) - begin).bit_length() - 1))
            values = [row[name] for row in rows[begin : begin + count] for name in self._names]
            connection.execute(f"{self._before}{', '.join([self._places] * count)}{self._after}", values)
            begin += count


def _sql(statement: ClauseElement) -> str:
    return str(statement.compile(dialect=dialect(paramstyle="named")))
