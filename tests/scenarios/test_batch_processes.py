"""Several tokens across processes: a stop that another one serves, SIGTERM, and kill -9, each told as it was."""

import asyncio
import signal
from pathlib import Path

import pytest

from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.state import OpenView
from tests import drawing
from tests.acknowledged import later, verified_entries
from tests.bot_process import bot_process, simulated_slack
from tests.databases import DATABASES, new_database
from tests.harness import ADMIN

DELETE = "apps.auth.external.delete"
COUNT = 60
DOOMED = [f"EtMany{number:06d}" for number in range(1, COUNT + 1)]


def asked(slack: SimulatedSlack) -> list[str]:
    """The tokens that Slack was asked to delete."""
    return [one.body["external_token_id"] for one in slack.state.traffic if one.kind == DELETE]


def read_view(view: OpenView | None) -> str:
    return "\n".join(drawing.dialog_lines(view)) if view is not None else ""


async def begin(slack: SimulatedSlack) -> OpenView:
    """Confirm that 60 tokens are deleted, and wait until some are."""
    plant_accounts(slack.state, COUNT)
    assert await slack.workspace.command(ADMIN, f"/extauth delete {' '.join(DOOMED)}")
    await slack.state.until(lambda: "This deletes" in read_view(slack.workspace.dialog(ADMIN)))
    view = slack.workspace.dialog(ADMIN)
    assert view is not None
    slack.web_api.latency = 0.03
    assert await slack.workspace.submit(view, {"typed_count": f"delete {COUNT} tokens"})
    await slack.state.until(lambda: len(asked(slack)) > 3)
    return view


async def recorded(url: str) -> dict[str, str | None]:
    """Return the outcome of each deletion, as the audit log has it."""
    entries = [entry for entry in await verified_entries(url) if entry.action == "delete"]
    ended = {str(entry.parameters["external_token_id"]): entry.outcome for entry in entries}
    assert len(ended) == len(entries)
    return ended


async def deleted_in_all(slack: SimulatedSlack, url: str, *, cut: int = 0) -> int:
    """Check that the log says of each what happened, and that nothing was sent twice."""
    ended, sent = await recorded(url), asked(slack)
    assert len(sent) == len(set(sent)) < COUNT
    deleted = {token_id for token_id, outcome in ended.items() if outcome == "deleted"}
    unsure = {token_id for token_id, outcome in ended.items() if outcome == "interrupted"}
    assert len(unsure) <= cut
    assert deleted <= set(DOOMED) - {*slack.state.tokens} <= deleted | unsure
    return len(deleted)


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_stop_that_another_process_serves(kind: str, tmp_path: Path) -> None:
    async with new_database(kind, tmp_path) as url, simulated_slack() as slack:
        async with bot_process("http", slack, DATABASE_URL=url):
            another = slack.workspace.delivery
            async with bot_process("http", slack, DATABASE_URL=url):
                view = await begin(slack)
                slack.workspace.delivery = another
                assert await slack.workspace.press_in_dialog(view, "Stop")
                await slack.state.until(lambda: " results ==" in read_view(view))
        count = await deleted_in_all(slack, url)
        told = f"⚠ {count} of {COUNT} tokens deleted\nYou stopped it. {COUNT - count} more weren't deleted."
        assert told in read_view(view)


async def test_sigterm_tells_what_was_done_and_what_was_not(tmp_path: Path) -> None:
    async with new_database("sqlite", tmp_path) as url, simulated_slack() as slack:
        async with bot_process("socket", slack, DATABASE_URL=url) as bot:
            view = await begin(slack)
            assert await bot.stop() == 0
        count = await deleted_in_all(slack, url)
        told = f"⚠ {count} of {COUNT} tokens deleted\nExtauth restarted. {COUNT - count} more weren't deleted."
        assert told in read_view(view)
        assert "[Delete the rest…]" in read_view(view)


@pytest.mark.parametrize("kind", DATABASES)
async def test_after_kill_9_one_direct_message_tells_how_far_it_came(kind: str, tmp_path: Path) -> None:
    async with new_database(kind, tmp_path) as url, simulated_slack() as slack:
        async with bot_process("socket", slack, DATABASE_URL=url) as bot:
            await begin(slack)
            # From now on Slack doesn't answer, so one deletion is cut off.
            slack.web_api.failures[DELETE] = "timeout"
            await asyncio.sleep(0.3)
            assert await bot.stop(signal.SIGKILL) == -signal.SIGKILL
        del slack.web_api.failures[DELETE]
        before = len(asked(slack))

        def told() -> list[str]:
            messages = ["\n".join(drawing.message_lines(message)) for message in slack.workspace.messages(ADMIN)]
            return [message for message in messages if "Extauth restarted before it could finish" in message]

        async with later(slack, url):
            await slack.state.until(lambda: bool(told()))
        assert len(asked(slack)) == before, "a restart sends nothing"
        count = await deleted_in_all(slack, url, cut=1)
        (message,) = told()
        assert f"• {count} deleted\n• 1 may or may not have gone through\n• The others weren't started" in message
