"""A store for batches, which keeps each for as long as its buttons work.

A click on a batch's button finds the batch here, in any process. The audit log has the work that was done.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict

from pydantic import SecretStr
from sqlalchemy import Connection, delete, insert, select, update

from bot.actor import Actor
from bot.audit.keys import AuditKey
from bot.batch import Batch, BatchState, Item, ItemResult
from bot.clock import Clock
from bot.ids import BATCH_ID
from bot.operation import Operation
from bot.storage.engine import Database
from bot.storage.tables import batches

KEPT_SECONDS = 24 * 3600.0
"""Seconds that a batch is kept."""
_MICRO = 1_000_000


class Batches:
    """The batches in the database. Every method raises DatabaseError."""

    def __init__(self, database: Database, key: AuditKey, clock: Clock) -> None:
        self._database = database
        self._box = key.vault.box("batch")
        self._clock = clock

    async def put(self, batch: Batch, state: BatchState) -> None:
        """Store a new batch, and delete the old ones."""

        old = batches.c.at < round((self._clock.now() - KEPT_SECONDS) * _MICRO)
        row = {"id": batch.batch_id, "at": round(batch.at * _MICRO), "state": state.value}

        def write(connection: Connection) -> None:
            connection.execute(delete(batches).where(old))
            connection.execute(insert(batches).values(**row, content=self._write(batch)))

        await self._database.run(write)

    async def find(self, batch_id: str, actor: Actor) -> tuple[Batch, BatchState] | None:
        """Return a batch that this person made, and its state; None if it doesn't exist or is too old."""
        found = await self.find_in(actor.team_id, batch_id)
        return found if found is not None and found[0].belongs_to(actor) else None

    async def find_in(self, team_id: str | None, batch_id: str) -> tuple[Batch, BatchState] | None:
        """Return any person's batch in a workspace, and its state; None if it doesn't exist or is too old."""
        if BATCH_ID.fullmatch(batch_id) is None:
            return None
        wanted = select(batches.c.state, batches.c.content).where(batches.c.id == batch_id)
        row = await self._database.run(lambda connection: connection.execute(wanted).first(), reads=True)
        batch = self._read(row.content) if row is not None else None
        if row is None or batch is None or batch.batch_id != batch_id or batch.team_id != team_id:
            return None
        # Another version, or someone with access to the database, may have stored an unknown state.
        if batch.at < self._clock.now() - KEPT_SECONDS or row.state not in {*BatchState}:
            return None
        return batch, BatchState(row.state)

    async def in_states(self, states: Sequence[BatchState]) -> Sequence[tuple[Batch, BatchState]]:
        wanted = select(batches.c.state, batches.c.content).where(
            batches.c.state.in_([state.value for state in states])
        )
        rows = await self._database.run(lambda connection: connection.execute(wanted).all(), reads=True)
        found = [(self._read(row.content), BatchState(row.state)) for row in rows]
        return [(batch, state) for batch, state in found if batch is not None]

    async def is_stopping(self, batch: Batch) -> bool:
        """Return whether a running batch has to stop because its state changed or it was deleted."""
        wanted = select(batches.c.state).where(batches.c.id == batch.batch_id)
        state = await self._database.run(lambda connection: connection.execute(wanted).scalar(), reads=True)
        return state != BatchState.RUNNING

    async def move(self, batch: Batch, before: BatchState, after: BatchState) -> bool:
        """Move a batch from the state `before` to `after`, and store its present content.

        Returns whether the batch was in the state `before`, which is true for only one of several callers.
        """
        found = update(batches).where(batches.c.id == batch.batch_id, batches.c.state == before.value)
        values = {"at": round(batch.at * _MICRO), "state": after.value, "content": self._write(batch)}
        moved = found.values(values).returning(batches.c.id)
        return await self._database.run(lambda connection: connection.execute(moved).first() is not None)

    async def end(self, batch: Batch) -> None:
        """Store a batch as ended."""
        found = update(batches).where(batches.c.id == batch.batch_id)
        ended = found.values(state=BatchState.ENDED.value, content=self._write(batch))
        await self._database.run(lambda connection: connection.execute(ended))

    def _write(self, batch: Batch) -> str:
        return self._box.encrypt(SecretStr(json.dumps({**asdict(batch), "operation": batch.operation.value})))

    def _read(self, content: str) -> Batch | None:
        decrypted = self._box.decrypt(content)
        if decrypted is None:
            return None
        written = json.loads(decrypted.get_secret_value())
        items = tuple(Item(**{**item, "workflows": tuple(item["workflows"])}) for item in written["items"])
        results = tuple(ItemResult(**result) for result in written["results"])
        posts = tuple((channel, ts) for channel, ts in written["posts"])
        read = {"operation": Operation(written["operation"]), "items": items, "results": results, "posts": posts}
        return Batch(**{**written, **read})
