"""The bot as a process: bursts, shutdown, and what it prints."""

import asyncio
import base64
import json
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from bot.audit.entries import Entry, Filters
from bot.clock import SystemClock
from bot.operation import Operation
from bot.sandbox.slack.faults import TRANSPORT_FAULTS
from bot.settings import Transport
from bot.slack.client import MAX_CONNECTIONS
from tests.audit_log import configured, open_audit_log
from tests.bot_process import bot_process, simulated_slack
from tests.harness import ADMIN, over_both_transports

CANARY = "ya29.CANARY-do-not-leak-0123456789abcdefghijklmnopqrstuvwxyz"
CUT_OFF = "canary-of-a-token"
"""The token in the simulated Slack's broken answers."""


@pytest.mark.burst
async def test_a_thousand_commands_at_once_are_all_acknowledged_in_time_and_all_answered() -> None:
    async with simulated_slack() as slack, bot_process("socket", slack) as _:
        slack.web_api.rate_limits.is_on = False
        slack.web_api.latency = 0.05
        people = [ADMIN] * 1000

        acknowledged = await asyncio.gather(
            *(slack.workspace.command(person, "/extauth get EtGoogle0001") for person in people)
        )
        # The simulator takes an acknowledgement after three seconds for none, as Slack does.
        assert all(acknowledged)

        def answers() -> int:
            return [message.text for message in slack.workspace.messages(ADMIN)].count("Token fetched: EtGoogle0001")

        await slack.state.until(lambda: answers() == 1000, seconds=120)
        # Without one shared session each of the 3,000 calls would have a connection of its own.
        assert len(slack.web_api.peers) < 2 * MAX_CONNECTIONS


@over_both_transports
async def test_sigterm_finishes_what_was_acknowledged_and_exits_with_0(transport: Transport) -> None:
    async with simulated_slack() as slack, bot_process(transport, slack) as bot:
        slack.web_api.latency = 0.4
        assert await slack.workspace.command(ADMIN, "/extauth get EtGoogle0001")

        assert await bot.stop(signal.SIGTERM) == 0

        assert [message.text for message in slack.workspace.messages(ADMIN)] == ["Token fetched: EtGoogle0001"]
        assert not await slack.workspace.command(ADMIN, "/extauth help")


@over_both_transports
async def test_a_token_is_nowhere_but_in_its_dialog(transport: Transport) -> None:
    async with simulated_slack() as slack, bot_process(transport, slack, LOG_LEVEL="DEBUG") as bot:
        await _drive_everything(slack)
        await _test_every_way(slack)
        await bot.stop()
        _assert_in_no_file(Path.cwd())
        await _assert_in_no_export(Path.cwd())
        secrets = [CANARY, CUT_OFF, slack.state.bot_token, slack.state.app_token, slack.state.signing_secret]
        for secret in [*secrets, slack.base_url + "/commands/", slack.base_url + "/actions/", "ticket="]:
            assert secret not in bot.output.replace("ticket=[redacted]", ""), secret
        _assert_untold(bot.output, "the output")

        shown = 0
        for exchange in slack.state.traffic:
            # What is asked of the two methods is what was typed, even where somebody typed the token itself.
            if exchange.direction != "bot" or exchange.kind.startswith("apps.auth.external."):
                continue
            text = json.dumps(exchange.body, ensure_ascii=False)
            if exchange.kind in {"views.open", "views.update"} and CANARY in text:
                shown += 1
                text = json.dumps(_without_the_shown_token(exchange.body), ensure_ascii=False)
            _assert_untold(text, exchange.kind)
        assert shown == 4, "the token was to be shown four times"
        assert '"outcome"' in bot.output


def _spellings() -> set[str]:
    """The canary in pieces of 16 characters, as it is, in base64 and URL-encoded."""
    whole = {CANARY, quote(CANARY, safe=""), base64.b64encode(CANARY.encode()).decode().rstrip("=")}
    whole |= {base64.b64encode(CANARY.encode()[shift:]).decode().rstrip("=") for shift in (1, 2)}
    return {text[start : start + 16] for text in whole for start in range(len(text) - 15)}


def _assert_untold(text: str, where: str) -> None:
    assert [piece for piece in _spellings() if piece in text] == [], where


def _assert_in_no_file(folder: Path) -> None:
    files = [path for path in folder.iterdir() if path.is_file()]
    assert any(path.name == "extauth.db" for path in files)
    for path in files:
        _assert_untold(path.read_bytes().decode("latin-1"), path.name)


async def _assert_in_no_export(folder: Path) -> None:
    entries: list[Entry] = []
    async with open_audit_log(configured(f"sqlite:///{folder}/extauth.db"), SystemClock()) as audit:
        await audit.export(Filters(), entries.append)
        exported = [json.dumps(asdict(entry)) for entry in entries]
        assert len(exported) > 10
        tests = [entry for entry in entries if entry.action == Operation.TEST.action]
        assert {entry.outcome for entry in tests} == {"works", "failed"}
        _assert_untold("\n".join(exported), "the export")
        assert len((await audit.find_token(SecretStr(CANARY))).entries) >= 5


async def _drive_everything(slack: Any) -> None:
    """Every way to a token, and every way to fail with one at hand."""
    workspace, state = slack.workspace, slack.state
    token = state.tokens["EtGoogle0001"]
    token.value = CANARY
    token.extras = {
        "id_token": CANARY,
        "note": f"Bearer {CANARY}",
        "url": f"https://x.example/?access_token={CANARY}",
        "nested": {"deep": [{"refresh": CANARY, "client_secret": CANARY[5:40]}]},
        CANARY: "a key",
    }

    async def wait_for_messages(number: int) -> None:
        await state.until(lambda: len(workspace.messages(ADMIN)) >= number)

    async def wait_for_token() -> None:
        def is_shown() -> bool:
            view = workspace.dialog(ADMIN)
            return view is not None and CANARY in json.dumps(view.content)

        await state.until(is_shown)
        workspace.close(workspace.dialog(ADMIN))

    await workspace.command(ADMIN, "/extauth get EtGoogle0001")
    await wait_for_messages(1)
    await workspace.press(workspace.messages(ADMIN)[0], "Show token")
    await wait_for_token()
    await workspace.command(ADMIN, "/extauth get EtGoogle0001 --show")
    await wait_for_token()
    await workspace.command(ADMIN, "/extauth get")
    await state.until(lambda: workspace.dialog(ADMIN) is not None)
    await workspace.submit(workspace.dialog(ADMIN), {"external_token_id": "EtGoogle0001", "options": ["show"]})
    await wait_for_token()
    await workspace.shortcut(ADMIN, "external_tokens")
    await state.until(lambda: workspace.dialog(ADMIN) is not None)
    view = workspace.dialog(ADMIN)
    await workspace.submit(view, {"external_token_id": "EtGoogle0001"})
    await state.until(lambda: "Show token" in json.dumps(view.content))
    await workspace.press_in_dialog(view, "Show token")
    await wait_for_token()
    await workspace.command(ADMIN, f"/extauth get {CANARY}")
    await wait_for_messages(2)
    faults = [*TRANSPORT_FAULTS, "invalid_auth", "token_not_found", "a_new_one"]
    faults.remove("timeout")
    for number, fault in enumerate(faults):
        slack.web_api.failures["apps.auth.external.get"] = fault
        await workspace.command(ADMIN, "/extauth get EtGoogle0001")
        await wait_for_messages(3 + number)
    slack.web_api.failures.clear()
    await workspace.command(ADMIN, "/extauth history 25")
    await workspace.command(ADMIN, f"/extauth delete {CANARY} --yes")
    await workspace.command("U0GUEST", f"/extauth get {CANARY}")
    await wait_for_messages(len(faults) + 4)


async def _test_every_way(slack: Any) -> None:
    """Every way to test an account: by its ID, together with others, from the form, exported, and failing."""
    workspace, state = slack.workspace, slack.state
    seen = len(workspace.messages(ADMIN))

    async def wait_for_messages(number: int) -> None:
        await state.until(lambda: len(workspace.messages(ADMIN)) >= seen + number)

    async def dialog_with(text: str) -> Any:
        await state.until(lambda: text in str(getattr(workspace.dialog(ADMIN), "content", "")))
        return workspace.dialog(ADMIN)

    await workspace.command(ADMIN, "/extauth test EtGoogle0001")
    await wait_for_messages(1)
    await workspace.command(ADMIN, "/extauth test --all")
    view = await dialog_with(" accounts work")
    await workspace.press_in_dialog(view, "Export…")
    await wait_for_messages(2)
    workspace.close(view)
    slack.web_api.failures["files.getUploadURLExternal"] = "internal_error"
    await workspace.command(ADMIN, "/extauth test")
    await workspace.submit(await dialog_with("Test accounts"), {"provider_key": "google"})
    await workspace.press_in_dialog(await dialog_with(" accounts work"), "Export…")
    workspace.close(await dialog_with("Copy the results"))
    await workspace.command(ADMIN, f"/extauth test {CANARY}")
    await wait_for_messages(3)
    for number, fault in enumerate(("no-token", "odd-shape", "truncated", "reset", "token_not_found")):
        slack.web_api.failures["apps.auth.external.get"] = fault
        await workspace.command(ADMIN, "/extauth test EtGoogle0001")
        await wait_for_messages(4 + number)
    slack.web_api.failures.clear()


def _without_the_shown_token(body: Any) -> Any:
    """The body with the one place blanked where a token may be: a preformatted block of a dialog."""
    view = body["view"] if isinstance(body["view"], dict) else json.loads(body["view"])
    for block in view["blocks"]:
        if block["type"] == "rich_text":
            for element in block["elements"]:
                if element["type"] == "rich_text_preformatted":
                    element["elements"] = []
    return {**body, "view": view}
