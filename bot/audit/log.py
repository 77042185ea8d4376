"""Appends to the audit log: what came, what was begun, and how it ended."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import SecretStr

from bot.actor import Actor
from bot.audit.append import Claim, Item
from bot.audit.entries import AuditResult, Entry, Event, Filters, VerificationResult
from bot.audit.guard import AuditLogUnavailable
from bot.audit.head import ATTEMPT, DENIED, INTERRUPTED, PRUNE, RESULT, SHARED, Altered, Row, chain_of
from bot.audit.interactions import Taken
from bot.audit.keys import AuditKey
from bot.audit.owner import Owner, this_process
from bot.audit.reader import AuditReader, entry_of, micro
from bot.audit.rows import AuditRows, Duplicate
from bot.audit.verified import Verified
from bot.clock import Clock, SystemClock, finishes_within
from bot.operation import Operation, Request

log = logging.getLogger(__name__)

RECEIPT_SECONDS = 1.0
"""How long recording an interaction may hold up its acknowledgement, for which Slack waits three seconds."""
RETRY_SECONDS = 5.0
"""How long to wait before a result that couldn't be recorded is tried again."""
INTERACTION_SECONDS = 24 * 3600.0
"""How long a finished interaction is remembered. Slack's own replays come within minutes."""
_DONE_ONE_BY_ONE = {Operation.TEST.action, Operation.DELETE.action}
_MOST_FAILURES = 3
"""How many chains the database may fail for, before the others aren't tried: it may take long for each."""
_ADDRESSES = 2000
"""How many interactions may come before the first of them is begun, for its address not to be encrypted twice."""
_REAL_TIME = SystemClock()
"""A database takes real time, whatever time it is in a test."""


class DuplicateInteraction(Exception):
    """The interaction is on record already, so it must not be run again."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt on record, whose result is still to come. Its number is one of its workspace's chain."""

    number: int
    event: Event


@dataclass(frozen=True, slots=True)
class Beginning:
    """An attempt that is being recorded."""

    item: Item
    event: Event


@dataclass(frozen=True, slots=True)
class Unanswered:
    """What a process left behind when it ended: its person may not know how it went.

    `interaction` is the key of Slack's payload, `workspace` the ID of where it came from (empty where that isn't
    known), and `reply_to` where the person can be told. `entry` is None where nothing had been begun.
    """

    workspace: str
    interaction: str
    reference: str
    entry: Entry | None
    reply_to: SecretStr | None


class AuditLog(AuditReader):
    """Appends entries, each to the chain of its workspace, and reads them.

    Every method raises AuditLogUnavailable when the database doesn't work.
    """

    def __init__(self, rows: AuditRows, key: AuditKey, clock: Clock) -> None:
        super().__init__(rows, key, clock)
        self._interactions = rows.interactions
        self._owner: Owner = this_process()
        self._unwritten: list[tuple[Attempt, AuditResult]] = []
        self._retrying: asyncio.Task[None] | None = None
        self._unsure: set[str] = set()
        # An interaction's address is recorded twice: when it comes, and with its attempt.
        self._seal = lru_cache(_ADDRESSES)(self._encrypted)
        rows.on_late = self._late

    async def receive(self, actor: Actor) -> None:
        """Record that an interaction came, so that its person is answered whatever happens to this process.

        Raises DuplicateInteraction when it came before.
        """
        claim = self._claim(actor)
        if claim is None or claim.reply_to is None:
            return
        try:
            await self._guard.within(self._rows.claim(claim), RECEIPT_SECONDS)
        except Duplicate:
            raise DuplicateInteraction from None

    async def attempt(self, actor: Actor, request: Request) -> Attempt:
        """Record that something is about to be done. Raises DuplicateInteraction when it came before."""
        return await self.begun(self._queue_attempt(actor, request))

    async def begin(self, actor: Actor, request: Request) -> Beginning:
        """Record that an interaction came and what is about to be done about it, both at once.

        Returns the attempt for `begun`: it's still being recorded where that takes longer than an acknowledgement may
        wait. Raises DuplicateInteraction when it came before.
        """
        beginning = self._queue_attempt(actor, request)
        written = beginning.item.written
        try:
            is_over = await finishes_within(_REAL_TIME, written, RECEIPT_SECONDS)
        except asyncio.CancelledError:
            written.cancel()
            raise
        if is_over and isinstance(written.exception(), Duplicate):
            raise DuplicateInteraction
        return beginning

    async def begun(self, beginning: Beginning) -> Attempt:
        """Return an attempt once it's on record."""
        return Attempt(await self._recorded(self._rows.written(beginning.item)), beginning.event)

    async def finish(self, attempt: Attempt, result: AuditResult) -> None:
        """Record how an attempt ended."""
        await self._append(RESULT, attempt.event, attempt=attempt.number, **self._result_fields(result))

    def finish_later(self, attempt: Attempt, result: AuditResult) -> None:
        """Record how an attempt ended as soon as the database works again. A later result replaces an earlier one."""
        self._unwritten.append((attempt, result))
        if self._retrying is None or self._retrying.done():
            self._retrying = asyncio.ensure_future(self._retry())

    async def deny(self, actor: Actor, request: Request, reason: str) -> None:
        """Record a denial. Raises DuplicateInteraction when it came before."""
        await self._append(DENIED, Event.of(actor, request), self._claim(actor), outcome="denied", code=reason)

    def answered(self, actor: Actor) -> None:
        """Note that a person has been answered, so that no later process tells them. Returns at once, never raises."""
        if actor.interaction is not None and actor.reply_to is not None:
            self._rows.answered(chain_of(actor.team_id, actor.enterprise_id), actor.interaction)

    async def renew(self, actor: Actor) -> None:
        """Note that a person's interaction is still being worked on, however long ago it came, and where they are."""
        claim = self._claim(actor)
        if claim is not None and claim.reply_to is not None:
            await self._guard.whole(self._interactions.renew(claim))

    def told(self, unanswered: Unanswered) -> None:
        """Note that a person whom another process left unanswered has been told, or can't be."""
        self._rows.answered(unanswered.workspace, unanswered.interaction)

    async def take_over(self, older_than: float, ended_older_than: float | None = None) -> AsyncIterator[Unanswered]:
        """Yield what other processes left unanswered, to be told by this one; record as interrupted what never ended.

        That is what came more than `older_than` seconds ago, or to a process that is known to have ended. What has
        ended may still be on its way to the person: it has to be older than `ended_older_than`. Of several processes,
        one gets each.

        A chain that was altered is passed over. Where the database failed for others, raises AuditLogUnavailable after
        the rest: more may be left.
        """
        owner, asked = str(self._owner), frozenset(self._unsure)
        ages = {False: older_than, True: older_than if ended_older_than is None else ended_older_than}

        def is_left(other: str, at: int, is_finished: bool) -> bool:
            oldest = micro(self._clock.now() - ages[is_finished])
            return other == owner or at < oldest or self._owner.knows_gone(other)

        await self._guard.whole(self._interactions.forget(micro(self._clock.now() - INTERACTION_SECONDS)))
        left = await self._guard.whole(self._interactions.left(owner, is_left, asked))
        # Until they are yielded, they may be this process's without anybody knowing.
        self._unsure = (self._unsure - asked).union(*left.values())
        failures: list[str] = []
        for chain, keys in left.items():
            at = micro(self._clock.now())
            taking = self._interactions.take_over(chain, keys, owner, at, is_left, self._interruption)
            try:
                found = [self._unanswered(one) for one in await self._guard.whole(taking)]
            except Exception as error:
                is_unexpected = not isinstance(error, AuditLogUnavailable)
                extra = {"chain": chain, "why": str(error)}
                log.error("a workspace's unanswered commands couldn't be taken", extra=extra, exc_info=is_unexpected)
                if not isinstance(error.__context__, Altered):
                    failures.append(str(error))
            else:
                self._unsure.difference_update(keys)
                for one in found:
                    yield one
            if len(failures) == _MOST_FAILURES:
                break
        if failures:
            raise AuditLogUnavailable(failures[-1])

    def untold(self, unanswered: Unanswered) -> None:
        """Let the next look find somebody again who couldn't be told."""
        self._unsure.add(unanswered.interaction)

    async def steps(self, unanswered: Unanswered) -> Sequence[Entry]:
        """Return the entries of the tests or deletions that an interaction consisted of."""
        since = self._clock.now() - INTERACTION_SECONDS
        team_id = unanswered.workspace or None
        found = self.oldest_first(Filters(team_id=team_id, reference=unanswered.reference, since=since))
        return [entry async for entry in found if entry.action in _DONE_ONE_BY_ONE]

    async def note_verified(self, result: VerificationResult) -> None:
        """Note what a verification found just now, for `status`."""
        verified = Verified(int(self._clock.now()), result.rows, result.problem is None)
        await self._guard.whole(self._rows.note_verified(verified))

    async def prune(self, before: float, workspace: str | None = None) -> int:
        """Delete what is older than `before` (seconds since the epoch), perhaps only of one workspace; record that.

        Returns the number of entries deleted.
        """

        chains = await self.workspaces() if workspace is None else [workspace]
        return sum([await self._prune(chain, before) for chain in chains])

    async def _prune(self, chain: str, before: float) -> int:
        def row(entries: int, last: int) -> Row:
            return self._prune_row(chain, entries, last, before)

        return await self._guard.whole(self._rows.prune(chain, micro(before), row))

    async def close(self) -> None:
        """Give up what couldn't be recorded: the next start records it as interrupted."""
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
        # Side by side: a database that has stopped answering must not take twice as long.
        closing = asyncio.ensure_future(self._rows.close())
        await self._guard.close(closing)
        await closing

    def prune_row(self, last: int) -> Row:
        """Return the row that says a log of version 0.1 had been pruned up to a row."""
        return self._prune_row(SHARED, 0, last, 0)

    def _prune_row(self, chain: str, entries: int, last: int, before: float) -> Row:
        parameters = {"entries": str(entries), "through": str(last), "before": f"{before:.0f}"}
        event = Event("", chain or None, None, "", "prune", parameters)
        return {**self._row(PRUNE, event), "outcome": "pruned"}

    def _queue_attempt(self, actor: Actor, request: Request) -> Beginning:
        event = Event.of(actor, request)
        return Beginning(self._rows.queue(self._row(ATTEMPT, event), self._claim(actor)), event)

    async def _append(self, kind: str, event: Event, claim: Claim | None = None, **more: Any) -> int:
        return await self._recorded(self._rows.append({**self._row(kind, event), **more}, claim))

    async def _recorded(self, appending: Awaitable[int]) -> int:
        try:
            return await self._guard.within(appending)
        except Duplicate:
            raise DuplicateInteraction from None

    def _row(self, kind: str, event: Event) -> dict[str, Any]:
        return {
            "chain": chain_of(event.team_id, event.enterprise_id),
            "at": micro(self._clock.now()),
            "kind": kind,
            "reference": event.reference,
            "team_id": event.team_id,
            "enterprise_id": event.enterprise_id,
            "user_id": event.user_id,
            "action": event.action,
            "parameters": json.dumps(event.parameters, sort_keys=True),
        }

    def _claim(self, actor: Actor) -> Claim | None:
        if actor.interaction is None:
            return None
        reply_to, chain = None, chain_of(actor.team_id, actor.enterprise_id)
        if actor.reply_to is not None:
            # With these, so that nobody can put one person's address to another one's command, or workspace.
            reply_to = self._seal(chain, actor.reference, actor.reply_to)
        return Claim(actor.interaction, chain, micro(self._clock.now()), str(self._owner), reply_to)

    def _encrypted(self, chain: str, reference: str, address: SecretStr) -> str:
        return self._key.addresses.encrypt(SecretStr(json.dumps([chain, reference, address.get_secret_value()])))

    def _unanswered(self, taken: Taken) -> Unanswered:
        decrypted = self._key.addresses.decrypt(taken.reply_to) if taken.reply_to is not None else None
        # Where all workspaces shared a chain, it wasn't noted.
        noted: list[Any] = json.loads(decrypted.get_secret_value()) if decrypted is not None else [None, "", ""]
        *noted_chain, noted_for, address = noted
        reply_to = SecretStr(address) if (noted_chain or [SHARED]) == [taken.chain] else None
        if taken.row is None:
            return Unanswered(taken.chain, taken.key, noted_for, None, reply_to)
        reference = taken.row["reference"]
        entry = entry_of(taken.row, taken.result)
        return Unanswered(taken.chain, taken.key, reference, entry, reply_to if noted_for == reference else None)

    def _result_fields(self, result: AuditResult) -> dict[str, Any]:
        return {
            "outcome": result.outcome,
            "code": result.code,
            "milliseconds": result.milliseconds,
            "token_hmac": self._key.of_token(result.token) if result.token is not None else None,
        }

    def _late(self, row: Row, number: int) -> Row | None:
        """An attempt that was written after its person had been told that nothing was done: say so."""
        if row["kind"] != ATTEMPT:
            return None
        return {**row, "kind": RESULT, "attempt": number, "outcome": "not done"}

    def _interruption(self, attempt: Row) -> Row:
        kept = ("reference", "team_id", "enterprise_id", "user_id", "action", "parameters")
        at = micro(self._clock.now())
        copied = {name: attempt[name] for name in kept}
        return {**copied, "at": at, "kind": RESULT, "attempt": attempt["number"], "outcome": INTERRUPTED}

    async def _retry(self) -> None:
        while self._unwritten:
            await self._clock.sleep(RETRY_SECONDS)
            attempt, result = self._unwritten[0]
            try:
                await self.finish(attempt, result)
            except AuditLogUnavailable as error:
                log.warning("a result still can't be recorded", extra={"why": str(error)})
            except Exception:
                log.exception("a result still can't be recorded")
            else:
                self._unwritten.pop(0)
