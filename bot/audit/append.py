"""What appending a batch writes, whichever database it is written to."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.audit.head import ATTEMPT, RESULT, Head, Row, chain
from bot.audit.keys import AuditKey


@dataclass(frozen=True, slots=True)
class Claim:
    """An interaction to be run once: when it came (microseconds), who runs it, and where its person can be told."""

    key: str
    at: int
    owner: str
    reply_to: str | None = None


Known = Mapping[str, tuple[str, int | None]]
"""The claims on record by their keys: the owner of each, and the number of its attempt."""


@dataclass(slots=True, eq=False)
class Item:
    """A row to be written, with its claim; or a claim alone, when an interaction has come and nothing is begun."""

    row: Row | None
    claim: Claim | None
    written: asyncio.Future[int]


@dataclass(slots=True)
class Plan:
    """What to write, and the number of each item's row: 0 for a claim alone, None for a duplicate."""

    head: Head
    numbers: list[int | None] = field(default_factory=list)
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    claims: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    finished: list[int] = field(default_factory=list)


class Appender(Protocol):
    """Appends batches to the log of one database."""

    async def append(self, batch: Sequence[Item], answered: Sequence[str]) -> Sequence[int | None]:
        """Write a batch in one transaction, and forget where the people of answered interactions can be told.

        Returns the numbers of the plan. Raises DatabaseError.
        """
        ...


def plan(key: AuditKey, head: Head, known: Known, batch: Sequence[Item]) -> Plan:
    """Put a batch behind the head."""
    made = Plan(head)
    for item in batch:
        claim = item.claim
        if claim is not None and _is_duplicate(claim, made.claims, known, is_new=item.row is None):
            made.numbers.append(None)
            continue
        number, is_finished = None, False
        if item.row is not None:
            made.head, row = chain(key, made.head, item.row)
            made.rows.append(row)
            number, is_finished = made.head.number, row["kind"] != ATTEMPT
            if row["kind"] == RESULT:
                made.finished.append(row["attempt"])
        made.numbers.append(number or 0)
        if claim is not None:
            made.claims[claim.key] = {
                "key": claim.key,
                "at": claim.at,
                "attempt": number,
                "is_finished": is_finished,
                "owner": claim.owner,
                "reply_to": claim.reply_to,
            }
    return made


def _is_duplicate(claim: Claim, claims: Mapping[str, Mapping[str, Any]], known: Known, *, is_new: bool) -> bool:
    """Return whether the interaction came before: all its owner may still do is begin what it has claimed."""
    put = claims.get(claim.key)
    found = (put["owner"], put["attempt"]) if put is not None else known.get(claim.key)
    return found is not None and (is_new or found != (claim.owner, None))
