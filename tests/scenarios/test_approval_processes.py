"""Approvals across processes: a restart or a kill between any two steps, and two processes at once."""

import asyncio
import signal
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from bot.sandbox.slack.channels import AUDIT_CHANNEL, Post
from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.server import SimulatedSlack
from tests import drawing
from tests.acknowledged import later
from tests.bot_process import BotProcess, bot_process, simulated_slack
from tests.databases import DATABASES, new_database
from tests.harness import ADMIN, OWNER

DELETE = "apps.auth.external.delete"
COUNT = 40
DOOMED = [f"EtMany{number:06d}" for number in range(1, COUNT + 1)]


SETTINGS = {"EXTAUTH_AUDIT_CHANNEL": AUDIT_CHANNEL, "EXTAUTH_DELETE_APPROVAL": "bulk"}


def approving(slack: SimulatedSlack, url: str) -> AbstractAsyncContextManager[BotProcess]:
    """A process of the bot that asks for approval."""
    return bot_process("socket", slack, DATABASE_URL=url, **SETTINGS)


def asked(slack: SimulatedSlack) -> list[str]:
    """The tokens that Slack was asked to delete."""
    return [one.body["external_token_id"] for one in slack.state.traffic if one.kind == DELETE]


def told(slack: SimulatedSlack) -> str:
    """All that the person who asked has been told, in messages and in the open modal."""
    lines = [line for message in slack.workspace.messages(ADMIN) for line in drawing.message_lines(message)]
    view = slack.workspace.dialog(ADMIN)
    return "\n".join([*lines, *(drawing.dialog_lines(view) if view is not None else [])])


def post(slack: SimulatedSlack) -> Post | None:
    """The message that asks for approval, as it is now."""
    return next((one for one in slack.state.posts if "to delete" in str(one.blocks)), None)


async def ask(slack: SimulatedSlack) -> Post:
    """Confirm that many tokens are to be deleted, and wait until somebody is asked."""
    plant_accounts(slack.state, COUNT)
    assert await slack.workspace.command(ADMIN, f"/extauth delete {' '.join(DOOMED)}")
    await slack.state.until(lambda: "This deletes" in told(slack))
    view = slack.workspace.dialog(ADMIN)
    assert view is not None
    assert await slack.workspace.submit(view, {"typed_count": f"delete {COUNT} tokens"})
    await slack.state.until(lambda: "Waiting for approval" in told(slack))
    found = post(slack)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_request_survives_the_process_that_asked(kind: str, tmp_path: Path) -> None:
    async with new_database(kind, tmp_path) as url, simulated_slack() as slack:
        async with approving(slack, url) as bot:
            waiting = await ask(slack)
            assert await bot.stop(signal.SIGKILL) == -signal.SIGKILL
        assert asked(slack) == []
        async with approving(slack, url):
            assert await slack.workspace.press_post(waiting, OWNER, "Approve")
            await slack.state.until(lambda: f"✓ {COUNT} of {COUNT} tokens deleted" in told(slack))
        assert sorted(asked(slack)) == DOOMED


@pytest.mark.parametrize("kind", DATABASES)
async def test_only_one_of_two_clicked_processes_deletes(kind: str, tmp_path: Path) -> None:
    async with new_database(kind, tmp_path) as url, simulated_slack() as slack:
        second = slack.state.people["U0MEMBER"]
        second.is_admin = True
        async with (
            approving(slack, url),
            approving(slack, url),
        ):
            waiting = await ask(slack)
            clicks = [(user, "Approve") for user in (OWNER, "U0MEMBER", OWNER, "U0MEMBER")]
            await asyncio.gather(*(slack.workspace.press_post(waiting, user, label) for user, label in clicks))
            await slack.state.until(lambda: f"✓ {COUNT} of {COUNT} tokens deleted" in told(slack))
        assert sorted(asked(slack)) == DOOMED


async def test_killed_in_the_middle_it_is_told_and_not_begun_again(tmp_path: Path) -> None:
    async with new_database("sqlite", tmp_path) as url, simulated_slack() as slack:
        async with approving(slack, url) as bot:
            waiting = await ask(slack)
            slack.web_api.latency = 0.03
            assert await slack.workspace.press_post(waiting, OWNER, "Approve")
            await slack.state.until(lambda: len(asked(slack)) > 3)
            assert await bot.stop(signal.SIGKILL) == -signal.SIGKILL
        before, slack.web_api.latency = asked(slack), 0.0
        async with later(slack, url, **SETTINGS):
            await slack.state.until(lambda: "Extauth restarted before it could finish" in told(slack))
            assert await slack.workspace.press_post(waiting, OWNER, "Approve")
            await slack.state.until(lambda: any("decided already" in one.text for one in slack.state.messages))
        assert asked(slack) == before
        assert len(set(before)) == len(before) < COUNT
