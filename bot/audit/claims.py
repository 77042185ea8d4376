"""Which interactions are on record, who works on them, and where their people can be told."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import interactions


@dataclass(frozen=True, slots=True)
class Claim:
    """An interaction to be run once: when it came (microseconds), who runs it, and where its person can be told."""

    key: str
    at: int
    owner: str
    reply_to: str | None = None


class Claims:
    """The interactions of one batch: which are on record, and what is to be put there."""

    def __init__(self, known: dict[str, tuple[str, int | None]]) -> None:
        self._known = known
        self._new: list[Mapping[str, Any]] = []
        self._begun: list[Mapping[str, Any]] = []

    @classmethod
    async def read(cls, connection: AsyncConnection, claims: Sequence[Claim]) -> "Claims":
        """Look up what is on record of some claims."""
        if not claims:
            return cls({})
        table = interactions.c
        query = select(table.key, table.owner, table.attempt).where(table.key.in_([claim.key for claim in claims]))
        return cls({found.key: (found.owner, found.attempt) for found in await connection.execute(query)})

    def is_duplicate(self, claim: Claim, *, is_new: bool) -> bool:
        """Return whether the interaction came before: all its owner may still do is begin what it has claimed."""
        known = self._known.get(claim.key)
        return known is not None and (is_new or known != (claim.owner, None))

    def put(self, claim: Claim | None, attempt: int | None, *, is_finished: bool) -> None:
        """Note what is to be written about a claim."""
        if claim is None:
            return
        values = {**asdict(claim), "attempt": attempt, "is_finished": is_finished}
        (self._begun if claim.key in self._known else self._new).append(values)
        self._known[claim.key] = (claim.owner, attempt)

    async def write(self, connection: AsyncConnection) -> None:
        """Write what was noted."""
        if self._new:
            await connection.execute(insert(interactions), self._new)
        if self._begun:
            # Not by the name of the column, which SQLAlchemy keeps for the value to be set.
            begun = [{**values, "claimed": values["key"]} for values in self._begun]
            await connection.execute(update(interactions).where(interactions.c.key == bindparam("claimed")), begun)


async def forget_addresses(connection: AsyncConnection, keys: Sequence[str]) -> None:
    """Forget where the people of some interactions can be told: they have been, or can't be."""
    if keys:
        table = interactions.c
        # What was never begun has no result to wait for.
        is_finished = table.is_finished | table.attempt.is_(None)
        done = update(interactions).where(table.key.in_(keys))
        await connection.execute(done.values(reply_to=None, is_finished=is_finished))
