"""Where Slack takes long to list the accounts, or never does, whoever tests or deletes several hears so and goes on."""

from collections.abc import AsyncIterator

import pytest

from bot.listeners.cleanup import LOOK_SECONDS
from bot.listeners.flow import NOTICE_SECONDS
from bot.operation import Operation
from bot.sandbox.slack.state import OpenView
from bot.settings import Transport
from bot.slack.external_auth.accounts import KEPT_SECONDS
from tests.explanations.expected import title
from tests.harness import ADMIN, Harness, open_harness, open_hasty_harness
from tests.scenarios.test_testing import result

GET, DELETE, LIST = (f"apps.auth.external.{name}" for name in ("get", "delete", "list"))
SLOW = 8.0
ASKED = "== One moment ==\nListing connected accounts…"
TOLD = "Listing connected accounts…\nSlack is taking longer than usual. The result will appear here."
BY_ID, BY_ACCOUNT = "/extauth delete EtGoogle0001 EtGitHub0001", "/extauth delete --account ada@example.com"


@pytest.fixture
async def slow(transport: Transport) -> AsyncIterator[Harness]:
    """A Slack that takes long to list, but nothing else."""
    async with open_harness(transport) as opened:
        opened.slack.web_api.delays[LIST] = SLOW
        yield opened


@pytest.fixture
async def stalled(transport: Transport) -> AsyncIterator[Harness]:
    """A Slack that never answers who asks it to list, with a bot that doesn't wait long."""
    async with open_hasty_harness(transport) as opened:
        opened.slack.web_api.failures[LIST] = "timeout"
        yield opened


def view_of(harness: Harness) -> OpenView:
    view = harness.workspace.dialog(ADMIN)
    assert view is not None
    return view


async def waits(harness: Harness) -> OpenView:
    """See that the open modal says what is going on, at once and then that it takes longer."""
    await harness.clock.until_asleep(SLOW)
    view = view_of(harness)
    await harness.state.until(lambda: ASKED in harness.read(view))
    await harness.clock.until_asleep(NOTICE_SECONDS)
    harness.clock.advance(NOTICE_SECONDS)
    await harness.state.until(lambda: TOLD in harness.read(view))
    return view


async def gets_on(harness: Harness, title: str) -> str:
    """Let the list come, and read the modal that has this title then."""
    view = view_of(harness)
    harness.clock.advance(SLOW)
    await harness.state.until(lambda: f"== {title} ==" in harness.read(view))
    return harness.read(view)


async def test_a_test_says_that_the_list_takes_long_and_then_tests(slow: Harness) -> None:
    assert await slow.workspace.command(ADMIN, "/extauth test --all")
    view = await waits(slow)
    assert slow.calls(GET) == []
    slow.clock.advance(SLOW)
    assert "✓ 6 of 6 accounts work" in await result(slow, view)


async def test_a_test_from_the_form_does_so_too(slow: Harness) -> None:
    view = await slow.opens("/extauth test")
    await slow.workspace.submit(view, {})
    assert await waits(slow) is view
    slow.clock.advance(SLOW)
    assert "✓ 6 of 6 accounts work" in await result(slow, view)


async def test_a_modal_closed_while_slack_lists_gets_its_result_to_the_channel(slow: Harness) -> None:
    assert await slow.workspace.command(ADMIN, "/extauth test --all")
    slow.workspace.close(await waits(slow))
    slow.clock.advance(SLOW)
    await slow.state.until(lambda: bool(slow.workspace.messages(ADMIN)))
    (message,) = slow.workspace.messages(ADMIN)
    assert "✓ 6 of 6 accounts work" in slow.read(message)


@pytest.mark.parametrize("line", [BY_ID, BY_ACCOUNT])
async def test_a_deletion_says_that_the_list_takes_long_and_then_names_all(slow: Harness, line: str) -> None:
    assert await slow.workspace.command(ADMIN, line)
    await waits(slow)
    read = await gets_on(slow, "Delete these tokens?" if line == BY_ID else "Delete this token?")
    assert "• ada@example.com · google · EtGoogle0001" in read
    assert "reconnects the accounts: daily_agenda" in read
    assert len(slow.calls(LIST)) == 1


async def test_the_form_of_a_list_opens_without_waiting_for_another(slow: Harness) -> None:
    del slow.slack.web_api.delays[LIST]
    listed = await slow.types("/extauth list")
    slow.clock.advance(KEPT_SECONDS + 1)
    slow.slack.web_api.delays[LIST] = SLOW
    assert await slow.workspace.press(listed, "Delete several…")
    await slow.clock.until_asleep(SLOW)
    await slow.clock.until_asleep(LOOK_SECONDS)
    slow.clock.advance(LOOK_SECONDS)
    await slow.state.until(lambda: slow.workspace.dialog(ADMIN) is not None)
    view = view_of(slow)
    assert "EtGoogle0001" in slow.read(view)
    assert "ada@example.com · google" not in slow.read(view)

    assert await slow.workspace.submit(view, {"chosen_token_ids": ["EtGoogle0001"]})
    assert await waits(slow) is view
    assert "• ada@example.com · google · EtGoogle0001" in await gets_on(slow, "Delete this token?")


@pytest.mark.parametrize(
    ("line", "ends"), [("/extauth test --all", " results =="), (BY_ACCOUNT, "== Delete this token? ==")]
)
async def test_what_slack_limits_is_told_with_how_long(harness: Harness, line: str, ends: str) -> None:
    for _ in range(20):
        harness.slack.web_api.rate_limits.retry_after(LIST)
    assert await harness.workspace.command(ADMIN, line)
    await harness.clock.until_asleep(60)
    harness.clock.advance(NOTICE_SECONDS)
    view = view_of(harness)
    await harness.state.until(lambda: "Slack is limiting requests, so" in harness.read(view))
    await harness.passes_time(lambda: ends in harness.read(view))


@pytest.mark.parametrize("line", ["/extauth test --all", BY_ACCOUNT])
async def test_a_list_that_never_comes_is_explained(stalled: Harness, line: str) -> None:
    assert await stalled.workspace.command(ADMIN, line)
    await stalled.state.until(lambda: stalled.workspace.dialog(ADMIN) is not None)
    view = view_of(stalled)
    await stalled.state.until(lambda: "== Couldn't list accounts ==" in stalled.read(view))
    assert f"✕ {title('timeout', Operation.LIST)}" in stalled.read(view)
    assert stalled.calls(GET) == stalled.calls(DELETE) == []


async def test_typed_ids_are_deleted_without_a_list_that_never_comes(stalled: Harness) -> None:
    view = await stalled.opens(BY_ID)
    assert "This deletes 2 tokens:\n• EtGoogle0001\n• EtGitHub0001\n" in stalled.read(view)
    await stalled.workspace.submit(view, {"typed_count": "delete 2 tokens"})
    assert "✓ 2 of 2 tokens deleted" in await result(stalled, view)


async def test_the_tokens_used_lately_are_tested_where_a_list_never_comes(stalled: Harness) -> None:
    await stalled.types("/extauth get EtGoogle0001")
    read = await result(stalled, await stalled.opens("/extauth test --all"))
    assert "✓ 1 of 1 accounts work" in read
    assert "So these are the tokens you used lately." in read
