"""When work that runs by itself is due. Of several processes, one does it: whoever moves the time on."""

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from bot.clock import Clock
from bot.storage.engine import Database, DatabaseError, insert_into
from bot.storage.tables import schedules

_MICRO = 1_000_000
_BEAT = "beat"


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether the work is this process's to do now, and when it is due next (seconds since the epoch, UTC)."""

    is_mine: bool
    due: float


def next_due(due: int, now: int, every: int) -> int:
    """Return when work is due after `now`: on the beat of `due`, however many times were missed.

    All are in the same unit. A time that is further off than `every` was set for a longer one, or by a clock that was
    wrong, and is brought forward.
    """
    if due > now:
        return min(due, now + every)
    return due + every * ((now - due) // every + 1)


class Schedules:
    """The times in the database. Every method raises DatabaseError."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def claim(self, name: str, every: float, ahead: float = 0.0) -> Turn:
        """Take the work if it's due, and set when it is due next, which stands even if this process is killed now.

        What was never done is due at once. Work that takes longer than `every` is taken `ahead` of its time by whoever
        is still at it, so that no other process begins. Both are in seconds.
        """

        now, beat = round((self._clock.now() + ahead) * _MICRO), round(every * _MICRO)

        def write(connection: Connection) -> Turn:
            connection.execute(insert_into(connection, schedules).values(name=name, due=now).on_conflict_do_nothing())
            found = connection.execute(select(schedules.c.due).where(schedules.c.name == name)).scalar_one()
            # SQLite keeps anything in any column: what isn't a time is due now.
            due = found if isinstance(found, int) else now
            after = next_due(due, now, beat)
            if after == due:
                return Turn(is_mine=False, due=due / _MICRO)
            moved = update(schedules).where(schedules.c.name == name, schedules.c.due == found).values(due=after)
            # Where another process moved it first, it's due no sooner.
            is_moved = connection.execute(moved.returning(schedules.c.name)).first() is not None
            return Turn(is_mine=is_moved and due <= now, due=after / _MICRO)

        return await self._database.run(write)

    async def beat(self) -> None:
        """Write a time and read it back: the database takes what is written now. Raises DatabaseError also if not."""
        now = round(self._clock.now() * _MICRO)

        def write(connection: Connection) -> int | None:
            added = insert_into(connection, schedules).values(name=_BEAT, due=now)
            connection.execute(added.on_conflict_do_update(index_elements=["name"], set_={"due": now}))
            return connection.execute(select(schedules.c.due).where(schedules.c.name == _BEAT)).scalar()

        if await self._database.run(write) != now:
            raise DatabaseError("it doesn't keep what is written to it")
