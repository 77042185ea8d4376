"""The due times of unattended work. The process that moves a due time does the work."""

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from bot.clock import Clock
from bot.storage.engine import Database, DatabaseError, insert_into
from bot.storage.tables import schedules

_MICRO = 1_000_000
_BEAT = "beat"


@dataclass(frozen=True, slots=True)
class Turn:
    """A claim to unattended work, successful if `is_mine`, and the next due time (seconds since the epoch, UTC)."""

    is_mine: bool
    due: float


def next_due(due: int, now: int, every: int) -> int:
    """Return the first due time after `now` that is a multiple of `every` after `due`.

    All are in the same unit. A `due` that is more than `every` away was set for a longer interval, or by a wrong clock,
    so it is brought forward.
    """
    if due > now:
        return min(due, now + every)
    return due + every * ((now - due) // every + 1)


@dataclass(frozen=True, slots=True)
class Schedules:
    """The due times in the database. Every method raises DatabaseError."""

    database: Database
    clock: Clock

    async def claim(self, name: str, every: float, ahead: float = 0.0) -> Turn:
        """Claim the work if it's due, and set its next due time, which stands even if this process is killed.

        Work that was never done is due at once. A process that is still working when the next turn comes claims it
        `ahead` of time, so that no other process begins. `every` and `ahead` are in seconds.
        """

        now, beat = round((self.clock.now() + ahead) * _MICRO), round(every * _MICRO)

        def write(connection: Connection) -> Turn:
            connection.execute(insert_into(connection, schedules).values(name=name, due=now).on_conflict_do_nothing())
            found = connection.execute(select(schedules.c.due).where(schedules.c.name == name)).scalar_one()
            # SQLite stores values of any type in any column. One that isn't a number counts as due now.
            due = found if isinstance(found, int) else now
            after = next_due(due, now, beat)
            if after == due:
                return Turn(is_mine=False, due=due / _MICRO)
            moved = update(schedules).where(schedules.c.name == name, schedules.c.due == found).values(due=after)
            # If another process moved the time first, no row matches, and the work is that process's.
            is_moved = connection.execute(moved.returning(schedules.c.name)).first() is not None
            return Turn(is_mine=is_moved and due <= now, due=after / _MICRO)

        return await self.database.run(write)

    async def beat(self) -> None:
        """Check that the database keeps writes, by writing a time and reading it back. Raises DatabaseError."""
        now = round(self.clock.now() * _MICRO)

        def write(connection: Connection) -> int | None:
            added = insert_into(connection, schedules).values(name=_BEAT, due=now)
            connection.execute(added.on_conflict_do_update(index_elements=["name"], set_={"due": now}))
            return connection.execute(select(schedules.c.due).where(schedules.c.name == _BEAT)).scalar()

        if await self.database.run(write) != now:
            raise DatabaseError("it doesn't keep what is written to it")
