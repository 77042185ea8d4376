"""More requests than Slack allows: everybody is answered, in turn, and told how long it takes."""

import asyncio
import re
from collections import Counter
from dataclasses import replace

import pytest

from bot.listeners.flow import NOTICE_SECONDS
from bot.sandbox.slack.rate_limits import PER_MINUTE
from bot.settings import Transport
from tests.harness import ADMIN, MEMBER, OWNER, Harness, open_harness, open_timed_harness, over_both_transports

GET = "apps.auth.external.get"
MANY = 300


def _plant(harness: Harness, count: int) -> None:
    template = harness.state.tokens["EtGoogle0001"]
    for number in range(count):
        token_id = f"EtBurst{number}"
        harness.state.tokens[token_id] = replace(template, token_id=token_id, value=f"ya29.burst-{number}-value")


async def _type_many(harness: Harness, count: int) -> None:
    typed = [harness.workspace.command(ADMIN, f"/extauth get EtBurst{number}") for number in range(count)]
    assert all(await asyncio.gather(*typed))


async def _pass_time(harness: Harness, seconds: float) -> None:
    """Turn the clock in steps, and let the bot's calls be answered in between."""
    for _ in range(round(seconds / 0.4)):
        harness.clock.advance(0.4)
        await asyncio.sleep(0.004)


def _answers(harness: Harness, user: str) -> list[str]:
    return [message.ts for message in harness.workspace.messages(user) if "[Show token]" in harness.read(message)]


def _told(harness: Harness, user: str) -> int:
    """Return the number of a person's answers, without a look at them."""
    return sum(message.user_id == user and "limiting" not in message.text for message in harness.state.messages)


def _position(ts: str) -> int:
    return int(ts.partition(".")[2])


@pytest.mark.long
async def test_none_of_300_gets_is_lost_and_the_first_are_served_first() -> None:
    async with open_timed_harness("socket", 10, {}) as harness:
        _plant(harness, MANY)
        limits = harness.slack.web_api.rate_limits
        began = harness.clock.now()
        await _type_many(harness, MANY)
        await harness.state.until(lambda: _told(harness, ADMIN) == PER_MINUTE[GET])
        # Each of the others waits for their turn, and for when they are to be told so.
        await harness.clock.until_sleeping(2 * (MANY - PER_MINUTE[GET]))

        harness.clock.advance(NOTICE_SECONDS)
        await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == MANY)
        notices = [message.text for message in harness.workspace.messages(ADMIN) if "limiting" in message.text]
        assert len(notices) == MANY - PER_MINUTE[GET]
        seconds = [int(found[1]) for notice in notices if (found := re.search(r"in about (\d+) seconds", notice))]
        assert 55 <= min(seconds) <= 62
        minutes = Counter(
            int(found[1]) for notice in notices if (found := re.search(r"in about (\d+) minutes", notice))
        )
        # One goes every 1.22 seconds, so 49 in each minute, and one more where it's due just as the third one ends.
        assert [minutes[minute] for minute in range(4, 7)] == [PER_MINUTE[GET] - 1] * 3
        assert minutes[3] in (PER_MINUTE[GET] - 1, PER_MINUTE[GET])

        await _pass_time(harness, 120)
        assert await harness.workspace.command(OWNER, "/extauth get EtGoogle0001")
        await asyncio.sleep(0.2)
        await _pass_time(harness, NOTICE_SECONDS + 0.4)
        await harness.state.until(lambda: len(harness.workspace.messages(OWNER)) == 1)
        assert "Slack is limiting requests" in harness.workspace.messages(OWNER)[0].text
        while not _answers(harness, OWNER) and harness.clock.now() - began < 600:
            await _pass_time(harness, 0.4)
        assert harness.clock.now() - began < 400

        # Whoever came first is served first.
        await harness.state.until(lambda: _told(harness, ADMIN) == MANY)
        assert len(_answers(harness, ADMIN)) == MANY
        assert _position(_answers(harness, OWNER)[0]) > sorted(map(_position, _answers(harness, ADMIN)))[-3]
        sent = Counter(call["external_token_id"] for call in harness.calls(GET))
        # The clock is a hundred times as fast as the calls on their way, so that some come too soon again.
        assert limits.rejected[GET] <= 1.1 * (MANY - PER_MINUTE[GET])
        assert limits.rejected[GET] == sum(count - 1 for count in sent.values())
        # At most two notices and the answer: a response_url is good for five messages.
        assert max(address.uses for address in harness.state.response_urls.values()) <= 3


async def test_who_lost_the_permission_while_waiting_gets_nothing(harness: Harness) -> None:
    harness.slack.web_api.failures[GET] = "429-120"
    assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001")
    await harness.clock.until_asleep(120)
    harness.slack.web_api.failures.clear()
    harness.state.people[ADMIN].is_admin = False
    harness.clock.advance(120)
    await harness.state.until(lambda: "permission" in " ".join(map(harness.read, harness.workspace.messages(ADMIN))))
    assert len(harness.calls(GET)) == 1
    (entry,) = [
        line for line in harness.read(await harness.types("/extauth history", OWNER)).splitlines() if "Et" in line
    ]
    assert "denied" in entry


@over_both_transports
async def test_who_waits_when_the_bot_stops_hears_that_nothing_changed(transport: Transport) -> None:
    async with open_harness(transport) as harness:
        harness.slack.web_api.failures[GET] = "429-50"
        assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001")
        await harness.clock.until_asleep(50)
        assert await harness.workspace.command(OWNER, "/extauth get EtGoogle0001 --force-refresh")
        await harness.state.until(lambda: len(harness.calls("users.info")) == 2)
    for user in (ADMIN, OWNER):
        (message,) = harness.workspace.messages(user)
        read = harness.read(message)
        assert "Extauth restarted before sending your request" in read
        assert "Nothing changed." in read
        assert "[Try again]" in read
    assert len(harness.calls(GET)) == 1


async def test_a_wait_that_begins_after_the_notice_is_told_as_well(harness: Harness) -> None:
    web_api = harness.slack.web_api
    await harness.types("/extauth help")
    web_api.latency = 4
    web_api.failures[GET] = "429-90"
    assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001")
    await harness.clock.until_asleep(4)
    web_api.latency = 0
    harness.clock.advance(NOTICE_SECONDS)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 2)
    assert "taking longer than usual" in harness.workspace.messages(ADMIN)[1].text
    harness.clock.advance(4 - NOTICE_SECONDS)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 3)
    assert "in about 90 seconds" in harness.workspace.messages(ADMIN)[2].text
    web_api.failures.clear()
    await harness.clock.until_asleep(90)
    harness.clock.advance(90)
    await harness.state.until(lambda: len(_answers(harness, ADMIN)) == 1)


async def test_a_wait_longer_than_anyone_waits_is_told_by_slack_each_time(harness: Harness) -> None:
    assert "It asks Extauth to wait 60 minutes." in harness.read(await harness.types("/extauth get EtErr.429"))
    assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))


@pytest.mark.parametrize("user", [MEMBER])
async def test_a_denied_person_does_not_wait_in_line(harness: Harness, user: str) -> None:
    harness.slack.web_api.failures[GET] = "429-50"
    assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001")
    await harness.clock.until_asleep(50)
    assert "permission" in harness.read(await harness.types("/extauth get EtGoogle0001", user))
