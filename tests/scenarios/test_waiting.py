"""When Slack is slow, the person hears so, and gets the result in the same place."""

import json
from datetime import UTC, datetime

from bot.listeners.flow import NOTICE_SECONDS
from bot.operation import Operation
from bot.sandbox.slack.state import TRIGGER_SECONDS
from tests.explanations.expected import title
from tests.harness import ADMIN, Harness, over_both_transports

GET = "apps.auth.external.get"


async def _make_slack_busy(harness: Harness, calls: int) -> None:
    for _ in range(calls):
        harness.slack.web_api.rate_limits.retry_after(GET)


@over_both_transports
async def test_a_rate_limit_is_told_within_three_seconds_and_then_the_result_comes(harness: Harness) -> None:
    await _make_slack_busy(harness, 50)

    assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001")
    await harness.clock.until_asleep(60)
    harness.clock.advance(NOTICE_SECONDS)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
    notice = harness.workspace.messages(ADMIN)[0]
    assert "Fetching EtGoogle0001…" in harness.read(notice)
    assert "in about 58 seconds" in harness.read(notice)

    harness.clock.advance(60 - NOTICE_SECONDS)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 2)
    assert "[Show token]" in harness.read(harness.workspace.messages(ADMIN)[1])


async def test_in_a_dialog_it_is_told_in_the_dialog(harness: Harness) -> None:
    view = await harness.opens_by_shortcut()
    await _make_slack_busy(harness, 50)

    await harness.workspace.submit(view, {"external_token_id": "EtGoogle0001"})
    assert "Fetching EtGoogle0001…" in harness.read(view)
    await harness.clock.until_asleep(60)
    harness.clock.advance(NOTICE_SECONDS)
    await harness.state.until(lambda: "Slack is limiting requests" in harness.read(view))
    harness.clock.advance(60 - NOTICE_SECONDS)
    await harness.state.until(lambda: "[Show token]" in harness.read(view))


async def test_a_wait_that_is_too_long_is_a_failure_that_says_how_long(harness: Harness) -> None:
    message = await harness.types("/extauth get EtErr.429")

    read = harness.read(message)
    assert f"{title('ratelimited', Operation.GET)}  EtErr.429" in read
    assert "It asks Extauth to wait 60 minutes." in read
    at = int(harness.clock.now()) + 3600
    assert f"Try again after {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC." in read
    assert f"<!date^{at}^{{time}}|" in json.dumps(message.blocks)


@over_both_transports
async def test_a_slow_answer_is_told_too(harness: Harness) -> None:
    harness.slack.web_api.latency = 1.5

    assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001")
    await harness.clock.until_asleep(1.5)
    harness.clock.advance(1.5)
    await harness.state.until(lambda: len(harness.calls(GET)) == 1)
    await harness.clock.until_asleep(1.5)
    harness.slack.web_api.latency = 0
    harness.clock.advance(1.4)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
    assert "Slack is taking longer than usual" in harness.read(harness.workspace.messages(ADMIN)[0])

    harness.clock.advance(1.5)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 2)
    assert "[Show token]" in harness.read(harness.workspace.messages(ADMIN)[1])


async def test_a_dialog_opens_at_once_when_the_look_at_the_person_takes_long(harness: Harness) -> None:
    harness.slack.web_api.latency = 1.2

    assert await harness.workspace.command(ADMIN, "/extauth get")
    await harness.clock.until_asleep(1.2)
    harness.slack.web_api.latency = 0
    harness.clock.advance(1.0)
    await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
    view = harness.workspace.dialog(ADMIN)
    assert view is not None
    assert "Checking your permissions…" in harness.read(view)

    harness.clock.advance(0.2)
    await harness.state.until(lambda: "Token ID" in harness.read(view))


@over_both_transports
async def test_a_dialog_that_comes_too_late_is_told_in_the_channel(harness: Harness) -> None:
    harness.slack.web_api.latency = TRIGGER_SECONDS

    assert await harness.workspace.command(ADMIN, "/extauth get")
    await harness.clock.until_asleep(TRIGGER_SECONDS)
    harness.clock.advance(1.0)
    await harness.state.until(lambda: len(harness.calls("views.open")) == 1)
    await harness.clock.until_asleep(TRIGGER_SECONDS)
    harness.slack.web_api.latency = 0
    harness.clock.advance(TRIGGER_SECONDS + 0.1)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
    assert "took too long to open" in harness.read(harness.workspace.messages(ADMIN)[0])
