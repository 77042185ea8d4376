"""When a person who waits is told so."""

import asyncio
import math
from collections.abc import Mapping

from bot.listeners.flow import MAX_NOTICES, NOTICE_RETRY_SECONDS, NOTICE_SECONDS, Wait, tell_waits
from bot.listeners.replies import NotPosted
from bot.slack.external_auth.models import GetToken
from bot.views.parts import Screen
from tests.manual_clock import ManualClock

REQUEST = GetToken("EtGoogle0001")


class Place:
    """Where a person is told."""

    def __init__(self) -> None:
        self.told: list[Screen] = []
        self.refuses = 0

    @property
    def noted(self) -> Mapping[str, str]:
        return {}

    async def show(self, screen: Screen) -> None:
        raise AssertionError("There's no answer yet.")

    async def show_progress(self, screen: Screen) -> None:
        if self.refuses:
            self.refuses -= 1
            raise NotPosted("status 503")
        self.told.append(screen)


class Bench:
    def __init__(self) -> None:
        self.clock, self.place = ManualClock(), Place()
        self.wait = Wait(self.clock)
        self.running: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.telling = asyncio.ensure_future(tell_waits(self.clock, self.place, REQUEST, self.running, self.wait))

    def limited(self, seconds: int) -> None:
        """From now on, Slack's limits hold it back for so long."""
        until = self.clock.monotonic() + seconds
        self.wait.note(lambda: max(0, math.ceil(until - self.clock.monotonic())))

    async def wait_on(self, seconds: float = NOTICE_SECONDS) -> None:
        await self.clock.until_asleep(seconds)
        self.clock.advance(seconds)
        for _ in range(5):
            await asyncio.sleep(0)


async def test_what_is_done_in_time_needs_no_notice() -> None:
    bench = Bench()
    await bench.clock.until_asleep(NOTICE_SECONDS)
    bench.running.set_result(None)
    await bench.telling
    assert bench.place.told == []


async def test_a_wait_is_told_once_and_again_when_it_grows() -> None:
    bench = Bench()
    bench.limited(30)
    await bench.wait_on()
    assert len(bench.place.told) == 1
    bench.limited(29)
    await asyncio.sleep(0)
    assert len(bench.place.told) == 1, "about the same as was told"
    bench.limited(300)
    await bench.telling
    assert len(bench.place.told) == MAX_NOTICES


async def test_a_notice_that_slack_does_not_take_is_posted_again_until_the_answer_is_there() -> None:
    bench = Bench()
    bench.place.refuses = 2
    bench.limited(100)
    await bench.wait_on()
    assert bench.place.told == []
    await bench.wait_on(NOTICE_RETRY_SECONDS[0])
    assert bench.place.told == []
    await bench.wait_on(NOTICE_RETRY_SECONDS[1])
    assert len(bench.place.told) == 1
    assert "86 seconds" in bench.place.told[0].text

    bench = Bench()
    bench.place.refuses = 100
    await bench.wait_on()
    await bench.clock.until_asleep(NOTICE_RETRY_SECONDS[0])
    bench.running.set_result(None)
    await bench.telling
    assert bench.place.told == []


async def test_of_a_notice_that_slack_never_takes_there_is_an_end() -> None:
    bench = Bench()
    bench.place.refuses = 100
    bench.limited(300)
    await bench.wait_on()
    for seconds in NOTICE_RETRY_SECONDS:
        await bench.wait_on(seconds)
    assert bench.place.refuses == 100 - 1 - len(NOTICE_RETRY_SECONDS)
    bench.running.set_result(None)
    await bench.telling
