"""What is known of the interactions that aren't finished, or whose people may not have been answered."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from bot.audit.append import Claim
from bot.audit.head import ATTEMPT, DENIED, Head, Row, chained, is_proven, results_of
from bot.audit.heads import locked_head, store
from bot.audit.keys import AuditKey
from bot.storage.database import Database, Transaction
from bot.storage.tables import audit_records, interactions


@dataclass(frozen=True, slots=True)
class Taken:
    """An interaction that its process left unanswered, and where its person can be told.

    `row` and `result` are None where the process ended before it recorded any.
    """

    key: str
    chain: str
    row: Row | None
    result: Row | None
    reply_to: str | None


_IS_OPEN = interactions.c.is_finished.is_(False) | interactions.c.reply_to.is_not(None)
"""Picks what has no result, or may not have been answered."""
_LEFT = tuple(interactions.c[name] for name in ("key", "chain", "owner", "at", "is_finished"))
IsLeft = Callable[[str, int, bool], bool]
"""Whether an interaction was left by its process: by its owner, its time (microseconds), and whether it's finished."""


class Interactions:
    """Hands on what processes left behind. Every method raises DatabaseError."""

    def __init__(self, database: Database, key: AuditKey) -> None:
        self._database = database
        self._key = key

    async def renew(self, claim: Claim) -> None:
        """Note that an interaction is still being worked on, and where its person is now. Raises DatabaseError."""
        table = interactions.c
        async with self._database.transaction() as transaction:
            begun = update(interactions).where(
                table.key == claim.key, table.owner == claim.owner, table.is_finished.is_(False)
            )
            await transaction.execute(begun.values(at=claim.at, reply_to=claim.reply_to))

    async def left(self, owner: str, is_left: IsLeft, unsure: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the keys of the interactions that processes other than `owner` left unanswered, by their chains.

        `is_left` picks them. `unsure` are keys that may be `owner`'s by now, as when a commit's answer was lost.
        Raises DatabaseError.

        Nothing proves the table of interactions, so it only says where to look.
        """
        keys: dict[str, list[str]] = {}
        async with self._database.transaction(reads=True) as transaction:
            table = interactions.c
            others = select(*_LEFT).where((table.owner != owner) | table.key.in_(unsure), _IS_OPEN)
            for claim in await transaction.execute(others):
                if is_left(claim.owner, claim.at, claim.is_finished):
                    keys.setdefault(claim.chain, []).append(claim.key)
        return keys

    async def take_over(
        self,
        chain: str,
        keys: Collection[str],
        owner: str,
        at: int,
        is_left: IsLeft,
        interruption: Callable[[Row], Row],
    ) -> Sequence[Taken]:
        """Make interactions of a chain `owner`'s, as of `at`, and return those that are still left.

        To an attempt without a result, the one that `interruption` makes is appended: a row must be in the chain, and
        its result mustn't. Of several processes, one gets each. Raises DatabaseError, and Altered where nothing can be
        appended to the chain.
        """
        # These alone are locked: others may be answered right now, in another order.
        wanted = select(interactions).where(interactions.c.chain == chain, interactions.c.key.in_(keys), _IS_OPEN)
        async with self._database.transaction() as transaction:
            head = await locked_head(transaction, self._key, chain)
            locked = await transaction.execute(wanted.order_by(interactions.c.key).with_for_update())
            found = [claim for claim in locked if is_left(claim.owner, claim.at, claim.is_finished)]
            return await self._take(transaction, head, found, owner, at, interruption) if found else []

    async def _take(
        self,
        transaction: Transaction,
        head: Head | None,
        found: Sequence[Any],
        owner: str,
        at: int,
        interruption: Callable[[Row], Row],
    ) -> list[Taken]:
        table = interactions.c
        numbers = [claim.attempt for claim in found if claim.attempt is not None]
        rows, results = await self._with_results(transaction, head, numbers) if head is not None else ({}, {})
        appended: list[Row] = []
        taken = [Taken(claim.key, claim.chain, None, None, claim.reply_to) for claim in found if claim.attempt is None]
        for claim in sorted((claim for claim in found if claim.attempt in rows), key=lambda claim: claim.attempt):
            row = rows[claim.attempt]
            result = row if row["kind"] != ATTEMPT else results.get((claim.chain, claim.attempt))
            if result is None and head is not None:
                head, result = chained(self._key, head, interruption(row))
                appended.append(result)
            taken.append(Taken(claim.key, claim.chain, row, result, claim.reply_to))
        keys = table.key.in_([claim.key for claim in found])
        await transaction.execute(update(interactions).where(keys).values(owner=owner, at=at, is_finished=True))
        if head is not None:
            await store(transaction, self._key, head, appended)
        known = {one.key for one in taken}
        await _forget_addresses(transaction, [claim.key for claim in found if claim.key not in known])
        return taken

    async def _with_results(
        self, transaction: Transaction, head: Head, numbers: Sequence[int]
    ) -> tuple[Mapping[int, Row], Mapping[tuple[str, int], Row]]:
        """Return the attempts and denials of some numbers, and the results of attempts, by their chain and number."""
        table = audit_records.c
        found: list[Row] = []
        # One after the other: SQLite has an index for each, and none for both together.
        for of_numbers in (table.number.in_(numbers), table.attempt.in_(numbers)):
            wanted = select(audit_records).where(table.chain == head.chain, of_numbers)
            found += (await transaction.execute(wanted)).mappings().all()
        begun = [row for row in found if row["kind"] in (ATTEMPT, DENIED) and is_proven(self._key, head, row)]
        return {row["number"]: row for row in begun}, results_of(self._key, {head.chain: head}, found)

    async def forget(self, before: int) -> None:
        """Delete the finished interactions that came before `before` (microseconds). Raises DatabaseError."""
        table = interactions.c
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(interactions).where(table.is_finished.is_(True), table.at < before))


async def _forget_addresses(transaction: Transaction, keys: Sequence[str]) -> None:
    """Close interactions that nobody can be told about: nothing proves that there were any."""
    table = interactions.c
    closed = update(interactions).where(table.key.in_(keys))
    await transaction.execute(closed.values(reply_to=None, is_finished=True))
