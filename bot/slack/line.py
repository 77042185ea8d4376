"""The line in which the calls of one method wait for their turn."""

import asyncio
import bisect
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from bot.clock import Clock

_MINUTE = 61.0
"""The minute that Slack counts by, in seconds, with one for the way there and back."""
_SLOWER, _FASTER = 2.0, 0.98
"""What becomes of the seconds between two calls after a 429 at that pace, and after each further call."""
_SLOWEST_SECONDS = 10.0
_LOOK_SECONDS = 1.0
"""How often to look for an answer when as many calls as Slack allows are on their way."""
_MOMENT = 0.001


@dataclass(order=True, slots=True)
class Place:
    """A call's place in the line. `turn` becomes whether it can go; it can't once the bot is stopping."""

    number: int
    turn: "asyncio.Future[bool]" = field(compare=False)


class Line:
    """The calls of one method in one workspace. They go at once until a 429; then in turn, at the pace Slack allows."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._shortest = self._interval = _MINUTE / per_minute
        self._accepted: deque[float] = deque(maxlen=per_minute)
        self._in_flight = 0
        self._free_at = clock.monotonic()
        self._people: OrderedDict[str, list[Place]] = OrderedDict()
        self._yielding: set[str] = set()
        self._releasing: asyncio.Task[None] | None = None
        self.holds = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is waiting or on its way, and Slack no longer counts what was."""
        last = max(self._free_at, *self._accepted) if self._accepted else self._free_at
        return not self._people and not self._in_flight and self._clock.monotonic() >= last + _MINUTE

    def passes(self) -> bool:
        """Go at once where nobody has to wait. Returns whether that's so."""
        if self.holds and (self._people or self._free_in() > 0):
            return False
        self._go()
        return True

    def ended(self, *, accepted: bool) -> None:
        """Note that a call was answered, or broke off. Slack doesn't count what it rejects."""
        self._in_flight -= 1
        if accepted:
            self._accepted.append(self._clock.monotonic())

    def hold(self, seconds: float, holds: int) -> None:
        """Let nobody go for so many seconds. `holds` is how many there had been when the rejected call was sent.

        A burst that was sent before the first hold is one rejection; one at the present pace says that it's too fast,
        as when other processes share the allowance.
        """
        if holds >= self.holds:
            if self.holds:
                self._interval = min(self._interval * _SLOWER, _SLOWEST_SECONDS)
            self.holds = holds + 1
        self._free_at = max(self._free_at, self._clock.monotonic() + seconds)

    def join(self, person: str, number: int, *, yields: bool = False) -> Place:
        """Wait in line, after a person's earlier calls, and if it `yields` after everybody else's."""
        if yields:
            self._yielding.add(person)
        place = Place(number, asyncio.get_running_loop().create_future())
        bisect.insort(self._people.setdefault(person, []), place)
        if self._releasing is None or self._releasing.done():
            self._releasing = asyncio.ensure_future(self._release())
        return place

    def leave(self, person: str, place: Place) -> None:
        """Wait no longer."""
        places = self._people.get(person, [])
        if place in places:
            places.remove(place)
            if not places:
                del self._people[person]
        if not self._people and self._releasing is not None:
            self._releasing.cancel()

    def seconds_until(self, person: str, place: Place) -> float:
        """Return when the turn comes, as far as can be told now."""
        own = self._people[person].index(place)
        before, is_later = own, 0
        for other, places in self._people.items():
            if other == person:
                is_later = 1
            elif person in self._yielding:
                before += len(places)
            elif other not in self._yielding:
                before += min(len(places), own + 1 - is_later)
        return self._free_in() + before * self._interval

    def dismiss(self) -> None:
        """Send everybody away."""
        for places in self._people.values():
            for place in places:
                place.turn.set_result(False)
        self._people.clear()
        if self._releasing is not None:
            self._releasing.cancel()

    async def _release(self) -> None:
        while self._people:
            seconds = self._free_in()
            if seconds > 0:
                await self._clock.sleep(seconds)
                continue
            person = next((one for one in self._people if one not in self._yielding), next(iter(self._people)))
            places = self._people[person]
            place = places.pop(0)
            if places:
                self._people.move_to_end(person)
            else:
                del self._people[person]
            self._go()
            place.turn.set_result(True)

    def _go(self) -> None:
        self._in_flight += 1
        if self.holds:
            # From when it was due, so that being woken late doesn't add up.
            self._free_at = max(self._free_at, self._clock.monotonic() - self._interval) + self._interval
            self._interval = max(self._shortest, self._interval * _FASTER)

    def _free_in(self) -> float:
        """Return the seconds until the next can go: after the hold, at the pace, and within a minute's allowance."""
        now = self._clock.monotonic()
        recent = [at for at in self._accepted if at > now - _MINUTE]
        too_many = len(recent) + self._in_flight - self._per_minute
        if self._in_flight >= self._per_minute:
            allowed_at = now + _LOOK_SECONDS
        else:
            allowed_at = recent[too_many] + _MINUTE if too_many >= 0 else now
        seconds = max(self._free_at, allowed_at) - now
        return seconds if seconds > _MOMENT else 0.0
