"""Nothing twice: whatever is delivered again, to whichever process, is acknowledged and not done again."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.audit.entries import Entry
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.workspace import SimulatedWorkspace
from tests.acknowledged import later, verified_entries
from tests.bot_process import bot_process, simulated_slack
from tests.databases import DATABASES, new_database
from tests.harness import ADMIN, GUEST, open_harness
from tests.server.test_http import Client, command, signed

GET, DELETE = "apps.auth.external.get", "apps.auth.external.delete"


def payload(
    slack: SimulatedSlack, text: str, user: str = ADMIN, workspace: SimulatedWorkspace | None = None
) -> dict[str, Any]:
    state = (workspace or slack.workspace).state
    return {
        "command": "/extauth",
        "text": text,
        "user_id": user,
        "team_id": state.team_id,
        **({"enterprise_id": state.enterprise_id} if state.enterprise_id else {}),
        "is_enterprise_install": str(state.is_org_install).lower(),
        "trigger_id": state.new_trigger(user),
        "response_url": slack.base_url + state.new_response_url("commands", user, "C0GENERAL"),
    }


def calls(slack: SimulatedSlack, method: str) -> int:
    return sum(exchange.kind == method for exchange in slack.state.traffic)


async def entries(url: str) -> list[Entry]:
    return await verified_entries(url)


@pytest.mark.parametrize("kind", DATABASES)
async def test_the_same_envelope_given_to_two_processes_is_run_by_one(kind: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(new_database(kind, tmp_path))
        slack = await stack.enter_async_context(simulated_slack())
        one = {"DATABASE_URL": url, "EXTAUTH_SOCKET_CONNECTIONS": "1"}
        async with bot_process("socket", slack, **one), bot_process("socket", slack, **one):
            await slack.state.until(lambda: slack.socket_mode.open_connections == 2)
            for text, user in (
                ("delete EtGoogle0001 --yes", ADMIN),
                ("get EtGitHub0001", ADMIN),
                ("get EtGoogle0002 --force-refresh", ADMIN),
                ("get EtGoogle0002", GUEST),
            ):
                sent = payload(slack, text, user)
                # One after the other, and at the same time; the connections take turns.
                await asyncio.gather(
                    *(slack.socket_mode.send(f"e-{text}-{n}", "slash_commands", sent) for n in range(2))
                )
                await slack.socket_mode.send(f"e-{text}-late", "slash_commands", sent)
            await slack.state.until(lambda: len(slack.workspace.messages(ADMIN)) == 3)
            await slack.state.until(lambda: len(slack.workspace.messages(GUEST)) == 1)
        assert (calls(slack, DELETE), calls(slack, GET)) == (1, 2)
        assert slack.state.tokens["EtGoogle0002"].refreshes == 1
        assert len(slack.workspace.messages(ADMIN)) == 3
        assert len(slack.workspace.messages(GUEST)) == 1
        # In any order: the two processes work side by side.
        assert sorted((entry.action, entry.outcome) for entry in await entries(url)) == [
            ("delete", "deleted"),
            ("get", "denied"),
            ("get", "fetched"),
            ("refresh", "fetched"),
        ]


async def test_a_replayed_request_is_acknowledged_and_not_run() -> None:
    async with open_harness("http") as harness, aiohttp.ClientSession() as session:
        client = Client(harness, session)
        body = "&".join(f"{name}={value}" for name, value in command(harness, text="delete EtGoogle0001 --yes").items())
        headers = signed(harness, body.encode())
        assert [await client.post(body.encode(), headers) for _ in range(3)] == [200, 200, 200]
        await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
        assert "[Show token]" in harness.read(await harness.types("/extauth get EtGitHub0001"))
        assert len(harness.calls(DELETE)) == 1
        assert len(harness.workspace.messages(ADMIN)) == 2


async def test_a_modal_is_opened_once_however_often_its_command_is_delivered() -> None:
    async with open_harness("http") as harness, aiohttp.ClientSession() as session:
        client = Client(harness, session)
        body = "&".join(f"{name}={value}" for name, value in command(harness, text="get").items()).encode()
        assert [await client.post(body, signed(harness, body)) for _ in range(2)] == [200, 200]
        await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
        assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))
        assert len(harness.calls("views.open")) == 1
        assert len(harness.workspace.messages(ADMIN)) == 1


@pytest.mark.parametrize("kind", DATABASES)
async def test_killed_in_between_it_is_told_directly_and_not_run_when_redelivered(kind: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(new_database(kind, tmp_path))
        slack = await stack.enter_async_context(simulated_slack())
        sent = payload(slack, "delete EtGoogle0001 --yes")
        async with bot_process("socket", slack, DATABASE_URL=url) as bot:
            slack.web_api.failures[DELETE] = "timeout"
            await slack.socket_mode.send("envelope", "slash_commands", sent)
            await slack.state.until(lambda: calls(slack, DELETE) == 1)
            await bot.stop(signal.SIGKILL)
        del slack.web_api.failures[DELETE]
        slack.state.messages.clear()
        async with later(slack, url):
            await slack.state.until(lambda: len(slack.workspace.messages(ADMIN)) == 1)
            told = slack.workspace.messages(ADMIN)[0]
            assert "restarted" in told.text
            assert "They may or may not be deleted" in repr(told.blocks)
            await slack.socket_mode.send("envelope", "slash_commands", sent)
            await slack.workspace.command(ADMIN, "/extauth help")
            await slack.state.until(lambda: len(slack.workspace.messages(ADMIN)) == 2)
        assert calls(slack, DELETE) == 1
        assert [(entry.action, entry.outcome) for entry in await entries(url)] == [("delete", "interrupted")]
