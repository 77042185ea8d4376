"""When Slack is slow, the person hears so, and gets the result in the same place."""

from bot.sandbox.state import TRIGGER_SECONDS
from tests.office import ADMIN, Office

GET = "apps.auth.external.get"


async def _make_slack_busy(office: Office, calls: int) -> None:
    for _ in range(calls):
        office.slack.web_api.rate_limits.retry_after(GET)


async def test_a_rate_limit_is_told_within_three_seconds_and_then_the_result_comes(office: Office) -> None:
    await _make_slack_busy(office, 50)

    assert await office.workspace.command(ADMIN, "/extauth get EtGoogle0001")
    await office.clock.until_asleep(60)
    office.clock.advance(2)
    await office.state.until(lambda: len(office.workspace.messages(ADMIN)) == 1)
    notice = office.workspace.messages(ADMIN)[0]
    assert "Slack asks us to slow down" in office.read(notice)
    assert "in 60 seconds" in office.read(notice)

    office.clock.advance(58)
    await office.state.until(lambda: len(office.workspace.messages(ADMIN)) == 2)
    assert "[Show token]" in office.read(office.workspace.messages(ADMIN)[1])


async def test_in_a_dialog_it_is_told_in_the_dialog(office: Office) -> None:
    view = await office.opens_by_shortcut()
    await _make_slack_busy(office, 50)

    await office.workspace.submit(view, {"external_token_id": "EtGoogle0001"})
    assert "Asking Slack for the token…" in office.read(view)
    await office.clock.until_asleep(60)
    office.clock.advance(2)
    await office.state.until(lambda: "Slack asks us to slow down" in office.read(view))
    office.clock.advance(58)
    await office.state.until(lambda: "[Show token]" in office.read(view))


async def test_a_wait_that_is_too_long_is_a_failure_that_says_how_long(office: Office) -> None:
    message = await office.types("/extauth get EtErr.429")

    assert "Slack asks us to slow down" in office.read(message)
    assert "Slack says to wait 3600 seconds." in office.read(message)


async def test_a_slow_answer_is_told_too(office: Office) -> None:
    office.slack.web_api.latency = 1.5

    assert await office.workspace.command(ADMIN, "/extauth get EtGoogle0001")
    await office.clock.until_asleep(1.5)
    office.clock.advance(1.5)
    await office.state.until(lambda: len(office.calls(GET)) == 1)
    await office.clock.until_asleep(1.5)
    office.slack.web_api.latency = 0
    office.clock.advance(0.6)
    await office.state.until(lambda: len(office.workspace.messages(ADMIN)) == 1)
    assert "Slack is taking its time" in office.read(office.workspace.messages(ADMIN)[0])

    office.clock.advance(1.5)
    await office.state.until(lambda: len(office.workspace.messages(ADMIN)) == 2)
    assert "[Show token]" in office.read(office.workspace.messages(ADMIN)[1])


async def test_a_dialog_opens_at_once_when_the_look_at_the_person_takes_long(office: Office) -> None:
    office.slack.web_api.latency = 1.2

    assert await office.workspace.command(ADMIN, "/extauth get")
    await office.clock.until_asleep(1.2)
    office.slack.web_api.latency = 0
    office.clock.advance(1.0)
    await office.state.until(lambda: office.workspace.dialog(ADMIN) is not None)
    view = office.workspace.dialog(ADMIN)
    assert view is not None
    assert "Checking what you may do…" in office.read(view)

    office.clock.advance(0.2)
    await office.state.until(lambda: "External token id" in office.read(view))


async def test_a_dialog_that_comes_too_late_is_told_in_the_channel(office: Office) -> None:
    office.slack.web_api.latency = TRIGGER_SECONDS

    assert await office.workspace.command(ADMIN, "/extauth get")
    await office.clock.until_asleep(TRIGGER_SECONDS)
    office.clock.advance(1.0)
    await office.state.until(lambda: len(office.calls("views.open")) == 1)
    await office.clock.until_asleep(TRIGGER_SECONDS)
    office.slack.web_api.latency = 0
    office.clock.advance(TRIGGER_SECONDS + 0.1)
    await office.state.until(lambda: len(office.workspace.messages(ADMIN)) == 1)
    assert "three seconds" in office.read(office.workspace.messages(ADMIN)[0])
