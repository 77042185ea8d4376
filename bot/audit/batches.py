"""Keeps batches: several requests that belong together, for as long as somebody may come back to one.

What was done is in the audit log. This is what a button's click needs to find again, in whichever process.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Column, delete, insert, select, update

from bot.actor import Actor
from bot.audit.guard import Guard
from bot.audit.keys import AuditKey
from bot.clock import Clock
from bot.operation import Operation
from bot.storage.database import Database
from bot.storage.tables import batches

KEPT_SECONDS = 24 * 3600.0
"""How long a batch can be found again."""
_BATCH_ID = re.compile(r"[0-9a-f]{32}")
_MICRO = 1_000_000


class BatchState(StrEnum):
    """How far a batch is."""

    CONFIRMING = "confirming"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Item:
    """One token of a batch, and what is known of its account."""

    token_id: str
    provider_key: str | None = None
    account: str | None = None
    workflows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemResult:
    """How an item ended: an outcome of the audit log, and Slack's error code if there is one.

    `is_sure` is False where Slack may have deleted a token although it didn't confirm that.
    """

    outcome: str
    code: str | None = None
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Batch:
    """Tokens that one person tests or deletes together.

    `at` is when it was made (seconds since the epoch, UTC). The first of the `items` have `results`, in their order.
    """

    batch_id: str
    at: float
    team_id: str | None
    user_id: str
    operation: Operation
    items: tuple[Item, ...]
    results: tuple[ItemResult, ...] = ()

    @classmethod
    def of(cls, actor: Actor, operation: Operation, items: Sequence[Item], at: float) -> "Batch":
        """Make one, in which every token is once."""
        unique = {item.token_id: item for item in items}
        return cls(secrets.token_hex(16), at, actor.team_id, actor.user_id, operation, tuple(unique.values()))

    def belongs_to(self, actor: Actor) -> bool:
        """Return whether this person made it."""
        return (self.team_id, self.user_id) == (actor.team_id, actor.user_id)

    def with_result(self, result: ItemResult) -> "Batch":
        """Return it with the next item's result."""
        return replace(self, results=(*self.results, result))


class Batches:
    """The batches in the database. Every method raises AuditLogUnavailable when it doesn't work."""

    def __init__(self, database: Database, key: AuditKey, clock: Clock) -> None:
        self._database = database
        self._box = key.batches
        self._clock = clock
        self._guard = Guard()

    async def put(self, batch: Batch, state: BatchState) -> None:
        """Keep a new batch, and forget the old ones."""

        async def write() -> None:
            async with self._database.transaction() as transaction:
                old = batches.c.at < round((self._clock.now() - KEPT_SECONDS) * _MICRO)
                await transaction.execute(delete(batches).where(old))
                row = {"id": batch.batch_id, "at": round(batch.at * _MICRO), "state": state.value}
                await transaction.execute(insert(batches).values(**row, content=self._write(batch)))

        await self._guard.whole(write())

    async def find(self, batch_id: str, actor: Actor) -> tuple[Batch, BatchState] | None:
        """Return a batch that this person made, and how far it is; None where there is none, or no longer."""
        if _BATCH_ID.fullmatch(batch_id) is None:
            return None
        row = await self._row(batch_id, batches.c.state, batches.c.content)
        batch = self._read(row.content) if row is not None else None
        if batch is None or batch.batch_id != batch_id or not batch.belongs_to(actor):
            return None
        if batch.at < self._clock.now() - KEPT_SECONDS:
            return None
        return batch, BatchState(row.state)

    async def is_stopping(self, batch: Batch) -> bool:
        """Return whether a batch that runs is to stop, or is gone."""
        row = await self._row(batch.batch_id, batches.c.state)
        return row is None or row.state != BatchState.RUNNING

    async def move(self, batch: Batch, before: BatchState, after: BatchState) -> bool:
        """Bring a batch from one state to another. Returns whether it was in the first: of several callers, for one."""

        async def write() -> bool:
            async with self._database.transaction() as transaction:
                found = update(batches).where(batches.c.id == batch.batch_id, batches.c.state == before.value)
                moved = await transaction.execute(found.values(state=after.value).returning(batches.c.id))
                return moved.first() is not None

        return await self._guard.whole(write())

    async def end(self, batch: Batch) -> None:
        """Keep how a batch ended."""

        async def write() -> None:
            async with self._database.transaction() as transaction:
                found = update(batches).where(batches.c.id == batch.batch_id)
                await transaction.execute(found.values(state=BatchState.ENDED.value, content=self._write(batch)))

        await self._guard.whole(write())

    async def close(self) -> None:
        """Wait a moment for what is being written."""
        await self._guard.close()

    async def _row(self, batch_id: str, *columns: Column[Any]) -> Any:
        async def read() -> Any:
            async with self._database.transaction(reads=True) as transaction:
                return (await transaction.execute(select(*columns).where(batches.c.id == batch_id))).first()

        return await self._guard.whole(read())

    def _write(self, batch: Batch) -> str:
        return self._box.encrypt(SecretStr(json.dumps({**asdict(batch), "operation": batch.operation.value})))

    def _read(self, content: str) -> Batch | None:
        decrypted = self._box.decrypt(content)
        return _batch(json.loads(decrypted.get_secret_value())) if decrypted is not None else None


def _batch(written: Mapping[str, Any]) -> Batch:
    items = tuple(Item(**{**item, "workflows": tuple(item["workflows"])}) for item in written["items"])
    results = tuple(ItemResult(**result) for result in written["results"])
    return Batch(**{**written, "operation": Operation(written["operation"]), "items": items, "results": results})
