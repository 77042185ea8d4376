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
    """The place where a person is told."""

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


class LongRequest:
    """A request that isn't done yet, and the place where its person is told of the wait."""

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


async def test_a_request_that_ends_in_time_needs_no_notice() -> None:
    request = LongRequest()
    await request.clock.until_asleep(NOTICE_SECONDS)
    request.running.set_result(None)
    await request.telling
    assert request.place.told == []


async def test_a_wait_is_told_once_and_again_when_it_grows() -> None:
    request = LongRequest()
    request.limited(30)
    await request.wait_on()
    assert len(request.place.told) == 1
    request.limited(29)
    await asyncio.sleep(0)
    assert len(request.place.told) == 1, "about the same as was told"
    request.limited(300)
    await request.telling
    assert len(request.place.told) == MAX_NOTICES


async def test_a_notice_that_slack_does_not_take_is_posted_again_until_the_answer_is_there() -> None:
    request = LongRequest()
    request.place.refuses = 2
    request.limited(100)
    await request.wait_on()
    assert request.place.told == []
    await request.wait_on(NOTICE_RETRY_SECONDS[0])
    assert request.place.told == []
    await request.wait_on(NOTICE_RETRY_SECONDS[1])
    assert len(request.place.told) == 1
    assert "86 seconds" in request.place.told[0].text

    request = LongRequest()
    request.place.refuses = 100
    await request.wait_on()
    await request.clock.until_asleep(NOTICE_RETRY_SECONDS[0])
    request.running.set_result(None)
    await request.telling
    assert request.place.told == []


async def test_a_notice_that_slack_never_takes_is_given_up() -> None:
    request = LongRequest()
    request.place.refuses = 100
    request.limited(300)
    await request.wait_on()
    for seconds in NOTICE_RETRY_SECONDS:
        await request.wait_on(seconds)
    assert request.place.refuses == 100 - 1 - len(NOTICE_RETRY_SECONDS)
    request.running.set_result(None)
    await request.telling
