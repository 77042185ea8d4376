"""The bot as a process: bursts, shutdown, and what it prints."""

import asyncio
import json
import signal
from typing import Any

import pytest

from tests.bot_process import bot_process, simulated_slack
from tests.office import ADMIN

CANARY = "ya29.CANARY-do-not-leak-0123456789abcdefghijklmnopqrstuvwxyz"


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
            return [message.text for message in slack.workspace.messages(ADMIN)].count("Fetched the token EtGoogle0001")

        await slack.state.until(lambda: answers() == 1000, seconds=60)
        # Without one shared session each of the 3,000 calls would have a connection of its own.
        assert len(slack.web_api.peers) < 200


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_sigterm_finishes_what_was_acknowledged_and_exits_with_0(transport: str) -> None:
    async with simulated_slack() as slack, bot_process(transport, slack) as bot:
        slack.web_api.latency = 0.4
        assert await slack.workspace.command(ADMIN, "/extauth get EtGoogle0001")

        assert await bot.stop(signal.SIGTERM) == 0

        assert [message.text for message in slack.workspace.messages(ADMIN)] == ["Fetched the token EtGoogle0001"]
        assert not await slack.workspace.command(ADMIN, "/extauth help")


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_a_token_is_nowhere_but_in_its_dialog(transport: str) -> None:
    async with simulated_slack() as slack, bot_process(transport, slack, LOG_LEVEL="DEBUG") as bot:
        await _drive_everything(slack)
        await bot.stop()
        secrets = [CANARY, slack.state.bot_token, slack.state.app_token, slack.state.signing_secret]
        for secret in [*secrets, slack.base_url + "/commands/", slack.base_url + "/actions/", "ticket="]:
            assert secret not in bot.output.replace("ticket=[redacted]", ""), secret
        for start in range(len(CANARY) - 16):
            assert CANARY[start : start + 16] not in bot.output

        shown = 0
        for exchange in slack.state.traffic:
            # What is asked of the two methods is what was typed, even where somebody typed the token itself.
            if exchange.direction != "bot" or exchange.kind.startswith("apps.auth.external."):
                continue
            text = json.dumps(exchange.body, ensure_ascii=False)
            if exchange.kind in {"views.open", "views.update"} and CANARY in text:
                shown += 1
                text = json.dumps(_without_the_shown_token(exchange.body), ensure_ascii=False)
            assert CANARY[5:21] not in text, exchange.kind
        assert shown == 4, "the token was to be shown four times"
        assert '"attempt"' in bot.output


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
    for number, fault in enumerate(["broken-json", "no-ok", "html", "list", "invalid_auth", "disconnect"]):
        slack.web_api.failures["apps.auth.external.get"] = fault
        await workspace.command(ADMIN, "/extauth get EtGoogle0001")
        await wait_for_messages(3 + number)


def _without_the_shown_token(body: Any) -> Any:
    """The body with the one place blanked where a token may be: a preformatted block of a dialog."""
    view = body["view"] if isinstance(body["view"], dict) else json.loads(body["view"])
    for block in view["blocks"]:
        if block["type"] == "rich_text":
            for element in block["elements"]:
                if element["type"] == "rich_text_preformatted":
                    element["elements"] = []
    return {**body, "view": view}
