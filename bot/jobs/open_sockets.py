"""The Socket Mode connections that the processes of one database open, which tells those of others apart."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, not_, or_, select

from bot.clock import Clock
from bot.storage.engine import Database
from bot.storage.tables import schedules

_MICRO = 1_000_000
_PREFIX = "sockets "
FRESH_SECONDS = 200.0
"""Seconds that a process counts after it last wrote its number, so also after its end."""


@dataclass(frozen=True, slots=True)
class OpenSockets:
    """The number of connections of each process, in rows of the table `schedules`. Every method raises DatabaseError.

    A row's name has the process and its number, and `due` is when the process last wrote it.
    """

    database: Database
    clock: Clock
    process: str = field(default_factory=lambda: secrets.token_hex(8))

    async def note(self, count: int) -> int | None:
        """Record the number of connections that this process opens, and return the number that all the others open.

        Returns None for all processes but one, so that only one acts on the numbers.
        """
        now, own = round(self.clock.now() * _MICRO), f"{_PREFIX}{self.process} "

        def write(connection: Connection) -> None:
            stale = and_(schedules.c.name.startswith(_PREFIX), not_(self._is_fresh()))
            connection.execute(delete(schedules).where(or_(stale, schedules.c.name.startswith(own))))
            connection.execute(insert(schedules).values(name=f"{own}{count}", due=now))

        await self.database.run(write)
        names = await self._names()
        return _total(names) - count if min(names, default=own).startswith(own) else None

    async def count(self) -> int:
        """Return the number of connections that all processes of this database open."""
        return _total(await self._names())

    async def _names(self) -> Sequence[str]:
        fresh = select(schedules.c.name).where(schedules.c.name.startswith(_PREFIX), self._is_fresh())
        return await self.database.run(lambda connection: connection.scalars(fresh).all(), reads=True)

    def _is_fresh(self) -> ColumnElement[bool]:
        # The machine that wrote a row may have another time, which may be far ahead.
        now, most = round(self.clock.now() * _MICRO), round(FRESH_SECONDS * _MICRO)
        return and_(schedules.c.due > now - most, schedules.c.due <= now + most)


def _total(names: Sequence[str]) -> int:
    # The database may hold anything, so what isn't a number of connections isn't counted.
    counts = [name.rpartition(" ")[2] for name in names]
    return sum(int(count) for count in counts if count.isascii() and count.isdigit() and len(count) < 4)
