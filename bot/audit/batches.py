"""Keeps batches: several requests that belong together, for as long as somebody may come back to one.

What was done is in the audit log. This is what a button's click needs to find again, in whichever process.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Column, Connection, delete, insert, select, update

from bot.actor import Actor
from bot.audit.keys import AuditKey
from bot.clock import Clock
from bot.ids import BATCH_ID
from bot.operation import Operation
from bot.slack.external_auth.accounts import Account
from bot.slack.external_auth.models import DeleteTokens
from bot.storage.engine import Database
from bot.storage.tables import batches

KEPT_SECONDS = 24 * 3600.0
"""How long a batch can be found again."""
_MICRO = 1_000_000


class BatchState(StrEnum):
    """How far a batch is."""

    CONFIRMING = "confirming"
    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Item:
    """One token of a batch, and what is known of its account.

    Without a token ID, it's all tokens of a provider, an app, or both.
    """

    token_id: str
    provider_key: str | None = None
    account: str | None = None
    workflows: tuple[str, ...] = ()
    app_id: str | None = None

    @classmethod
    def of(cls, request: DeleteTokens) -> "Item":
        """Return a deletion as the one item of a batch. Raises ValueError for one that can't be kept."""
        named = {name: value for name, value in request.arguments().items() if isinstance(value, str)}
        if named != request.arguments():
            raise ValueError("What isn't formed like an ID isn't kept.")
        return cls(named.get("external_token_id", ""), named.get("provider_key"), app_id=named.get("app_id"))

    @classmethod
    def of_account(cls, account: Account) -> "Item":
        """Return a connected account as an item of a batch."""
        return cls(account.token_id, account.provider_key, account.name, account.workflows)

    def deletion(self) -> DeleteTokens:
        """Return the request that deletes it."""
        if self.token_id:
            return DeleteTokens(self.token_id)
        return DeleteTokens(provider_key=self.provider_key, app_id=self.app_id)


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
    One that needs approval has the `reference` it was asked for with, the `channel` or modal (`view_id`) that its
    person is in, and the channels and time stamps of the `posts` that ask for it. `approver` is who gave it.
    """

    batch_id: str
    at: float
    team_id: str | None
    user_id: str
    operation: Operation
    items: tuple[Item, ...]
    results: tuple[ItemResult, ...] = ()
    enterprise_id: str | None = None
    reference: str = ""
    channel: str | None = None
    view_id: str | None = None
    posts: tuple[tuple[str, str], ...] = ()
    approver: str | None = None

    @classmethod
    def of(cls, actor: Actor, operation: Operation, items: Sequence[Item], at: float) -> "Batch":
        """Make one, in which every token is once."""
        unique = {item.token_id: item for item in items}
        return cls(
            secrets.token_hex(16),
            at,
            actor.team_id,
            actor.user_id,
            operation,
            tuple(unique.values()),
            enterprise_id=actor.enterprise_id,
            reference=actor.reference,
        )

    @property
    def is_bulk(self) -> bool:
        """Whether more than one token can be deleted."""
        return len(self.items) > 1 or not all(item.token_id for item in self.items)

    @property
    def digest(self) -> str:
        """What tells this request from any other: a button carries it, so that what is approved is what was shown.

        It needs no key, so it holds even where somebody can write the database and read its key.
        """
        items = [asdict(item.deletion()) for item in self.items]
        shown = json.dumps([self.batch_id, self.team_id, self.user_id, self.reference, self.at, items], sort_keys=True)
        return hashlib.sha256(shown.encode()).hexdigest()

    def approves(self, actor: Actor, request: DeleteTokens) -> bool:
        """Return whether somebody else has approved that this person makes this request."""
        is_given = self.approver is not None and self.approver != self.user_id
        return is_given and self.belongs_to(actor) and request in [item.deletion() for item in self.items]

    def belongs_to(self, actor: Actor) -> bool:
        """Return whether this person made it."""
        return (self.team_id, self.user_id) == (actor.team_id, actor.user_id)

    def with_result(self, result: ItemResult) -> "Batch":
        """Return it with the next item's result."""
        return replace(self, results=(*self.results, result))


class Batches:
    """The batches in the database. Every method raises DatabaseError."""

    def __init__(self, database: Database, key: AuditKey, clock: Clock) -> None:
        self._database = database
        self._box = key.vault.box("batch")
        self._clock = clock

    async def put(self, batch: Batch, state: BatchState) -> None:
        """Keep a new batch, and forget the old ones."""

        old = batches.c.at < round((self._clock.now() - KEPT_SECONDS) * _MICRO)
        row = {"id": batch.batch_id, "at": round(batch.at * _MICRO), "state": state.value}

        def write(connection: Connection) -> None:
            connection.execute(delete(batches).where(old))
            connection.execute(insert(batches).values(**row, content=self._write(batch)))

        await self._database.run(write)

    async def find(self, batch_id: str, actor: Actor) -> tuple[Batch, BatchState] | None:
        """Return a batch that this person made, and how far it is; None where there is none, or no longer."""
        found = await self.find_in(actor.team_id, batch_id)
        return found if found is not None and found[0].belongs_to(actor) else None

    async def find_in(self, team_id: str | None, batch_id: str) -> tuple[Batch, BatchState] | None:
        """Return anybody's batch in a workspace, and how far it is; None where there is none, or no longer."""
        if BATCH_ID.fullmatch(batch_id) is None:
            return None
        row = await self._row(batch_id, batches.c.state, batches.c.content)
        batch = self._read(row.content) if row is not None else None
        if batch is None or batch.batch_id != batch_id or batch.team_id != team_id:
            return None
        # The database may hold a state that is none.
        if batch.at < self._clock.now() - KEPT_SECONDS or row.state not in {*BatchState}:
            return None
        return batch, BatchState(row.state)

    async def in_states(self, states: Sequence[BatchState]) -> Sequence[tuple[Batch, BatchState]]:
        """Return the batches in some states."""
        wanted = select(batches.c.state, batches.c.content).where(
            batches.c.state.in_([state.value for state in states])
        )
        rows = await self._database.run(lambda connection: connection.execute(wanted).all(), reads=True)
        found = [(self._read(row.content), BatchState(row.state)) for row in rows]
        return [(batch, state) for batch, state in found if batch is not None]

    async def is_stopping(self, batch: Batch) -> bool:
        """Return whether a batch that runs is to stop, or is gone."""
        row = await self._row(batch.batch_id, batches.c.state)
        return row is None or row.state != BatchState.RUNNING

    async def move(self, batch: Batch, before: BatchState, after: BatchState) -> bool:
        """Bring a batch from one state to another, and keep it as it is now.

        Returns whether it was in the first state: of several callers, for one.
        """
        found = update(batches).where(batches.c.id == batch.batch_id, batches.c.state == before.value)
        values = {"at": round(batch.at * _MICRO), "state": after.value, "content": self._write(batch)}
        moved = found.values(values).returning(batches.c.id)
        return await self._database.run(lambda connection: connection.execute(moved).first() is not None)

    async def end(self, batch: Batch) -> None:
        """Keep how a batch ended."""
        found = update(batches).where(batches.c.id == batch.batch_id)
        ended = found.values(state=BatchState.ENDED.value, content=self._write(batch))
        await self._database.run(lambda connection: connection.execute(ended))

    async def _row(self, batch_id: str, *columns: Column[Any]) -> Any:
        wanted = select(*columns).where(batches.c.id == batch_id)
        return await self._database.run(lambda connection: connection.execute(wanted).first(), reads=True)

    def _write(self, batch: Batch) -> str:
        return self._box.encrypt(SecretStr(json.dumps({**asdict(batch), "operation": batch.operation.value})))

    def _read(self, content: str) -> Batch | None:
        decrypted = self._box.decrypt(content)
        return _batch(json.loads(decrypted.get_secret_value())) if decrypted is not None else None


def _batch(written: Mapping[str, Any]) -> Batch:
    items = tuple(Item(**{**item, "workflows": tuple(item["workflows"])}) for item in written["items"])
    results = tuple(ItemResult(**result) for result in written["results"])
    posts = tuple((channel, ts) for channel, ts in written["posts"])
    read = {"operation": Operation(written["operation"]), "items": items, "results": results, "posts": posts}
    return Batch(**{**written, **read})
