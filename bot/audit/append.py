"""What appending a batch writes, whichever database it is written to."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.audit.head import ATTEMPT, RESULT, SHARED, Head, Place, Root, Row, authentic_root, chained
from bot.audit.keys import AuditKey
from bot.storage.database import DatabaseError


@dataclass(frozen=True, slots=True)
class Claim:
    """An interaction to be run once: when it came (microseconds), who runs it, and where its person can be told.

    Its attempt belongs to the `chain`.
    """

    key: str
    chain: str
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

    @property
    def chain(self) -> str:
        """The chain it belongs to."""
        if self.row is not None:
            return str(self.row["chain"])
        return self.claim.chain if self.claim is not None else SHARED


Number = int | DatabaseError | None
"""The number of an item's row: 0 for a claim alone, None for a duplicate, the error where its chain can't be used."""
Heads = Mapping[str, Head | DatabaseError]
"""The heads of chains, and what is wrong with those that can't be used."""


@dataclass(slots=True)
class Plan:
    """What to write, the heads after it, and the number of each item's row."""

    heads: dict[str, Head] = field(default_factory=dict)
    numbers: list[Number] = field(default_factory=list)
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    claims: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    finished: list[tuple[str, int]] = field(default_factory=list)


class Appender(Protocol):
    """Appends batches to the log of one database. It can append so many batches at once as it has `lanes`."""

    lanes: int

    async def append(self, batch: Sequence[Item], answered: Sequence[str]) -> Sequence[Number]:
        """Write a batch in one transaction, and forget where the people of answered interactions can be told.

        Returns the numbers of the plan. Raises DatabaseError.
        """
        ...


def chains_of(batch: Sequence[Item]) -> list[str]:
    """Return the chains that a batch adds rows to, in the order in which every process locks them."""
    return sorted({item.chain for item in batch if item.row is not None})


def add_chains(
    found: tuple[Root, bool] | None, places: Sequence[Place], missing: Sequence[str]
) -> tuple[Root, dict[str, Head]]:
    """Return the root and the heads of new chains. Raises DatabaseError where the `places` of chains aren't right.

    A workspace whose whole chain was deleted must not silently get a new one.
    """
    if found is not None and len(places) != found[0].chains:
        raise DatabaseError("the audit log of a workspace is missing: `audit verify` says more")
    root = authentic_root(found)
    heads = {}
    for chain in missing:
        root, heads[chain] = root.new_chain(chain)
    return root, heads


def plan(key: AuditKey, heads: Heads, known: Known, batch: Sequence[Item]) -> Plan:
    """Put a batch behind the heads of its chains."""
    made = Plan()
    for item in batch:
        claim = item.claim
        found = made.heads.get(item.chain) or heads.get(item.chain) if item.row is not None else None
        if isinstance(found, DatabaseError):
            made.numbers.append(found)
            continue
        if claim is not None and _is_duplicate(claim, made.claims, known, is_new=item.row is None):
            made.numbers.append(None)
            continue
        number, is_finished = None, False
        if item.row is not None and found is not None:
            head, row = chained(key, found, item.row)
            made.heads[item.chain] = head
            made.rows.append(row)
            number, is_finished = head.number, row["kind"] != ATTEMPT
            if row["kind"] == RESULT:
                made.finished.append((item.chain, row["attempt"]))
        made.numbers.append(number or 0)
        if claim is not None:
            made.claims[claim.key] = {
                "key": claim.key,
                "chain": claim.chain,
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
