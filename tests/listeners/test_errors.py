"""When something breaks inside the bot: the acknowledgement stands, and the person hears of it."""

from contextlib import AsyncExitStack

import pytest
from slack_bolt.context.ack.async_ack import AsyncAck

from bot import settings
from bot.app import create_app, open_storage
from bot.clock import SystemClock
from bot.sandbox.run import variables
from bot.server.other_sockets import OtherSockets
from bot.server.socket_mode import SocketModeReceiver
from bot.slack.client import open_session
from bot.workspaces.registry import OneWorkspace
from tests.bot_process import simulated_slack
from tests.harness import ADMIN, Harness, over_both_transports
from tests.one_workspace import create_runtime

FORGED = ["", "null", "[]", "{}", '{"do":"get"}', '{"do":"get","external_token_id":"a b"}', '{"do":"x"}', "[" * 5000]


async def test_a_listener_that_fails_right_after_acknowledging_still_acknowledges() -> None:
    async with simulated_slack() as slack, open_session() as session, AsyncExitStack() as stack:
        configured = settings.read(variables(slack))
        assert configured.app_token is not None
        audit = await stack.enter_async_context(open_storage(configured, SystemClock()))
        runtime = await create_runtime(configured, session, audit, SystemClock())
        app = create_app(OneWorkspace(runtime), runtime.shared)

        @app.command("/breaks")
        async def on_command(ack: AsyncAck) -> None:
            await ack()
            raise RuntimeError("right after")

        others = OtherSockets(audit.open_sockets, runtime.shared, 1, lambda _: None)
        listener = SocketModeReceiver(app, configured.app_token, runtime.shared, 1, others)
        await listener.start()
        assert await slack.workspace.command(ADMIN, "/breaks now")
        await slack.state.until(lambda: len(slack.workspace.messages(ADMIN)) == 1)
        assert slack.workspace.messages(ADMIN)[0].text == "Something went wrong in Extauth"
        await listener.stop()


@pytest.mark.parametrize("value", FORGED)
@pytest.mark.parametrize("label", ["Show token", "Force refresh", "Delete…"])
async def test_a_forged_button_does_nothing_and_says_so(harness: Harness, label: str, value: str) -> None:
    message = await harness.types("/extauth get EtGoogle0001")
    for block in message.blocks:
        for element in block.get("elements", []):
            if element.get("type") == "button":
                element["value"] = value
    calls = len(harness.calls("apps.auth.external.get"))

    answer = await harness.presses(message, label)

    assert "older version of Extauth" in harness.read(answer)
    assert len(harness.calls("apps.auth.external.get")) == calls
    assert harness.calls("apps.auth.external.delete") == []


@pytest.mark.parametrize("metadata", ["", "nonsense", "[]", "{}", '{"origin":{"x":1},"request":{}}'])
async def test_a_forged_confirmation_deletes_nothing(harness: Harness, metadata: str) -> None:
    view = await harness.opens("/extauth delete EtGoogle0001")
    view.content["private_metadata"] = metadata

    await harness.workspace.submit(view)

    assert "older version of Extauth" in harness.read(await harness.dialog())
    assert harness.calls("apps.auth.external.delete") == []


@over_both_transports
async def test_a_modal_that_slack_does_not_open_is_told(harness: Harness) -> None:
    harness.slack.web_api.failures["views.open"] = "internal_error"

    message = await harness.types("/extauth get")

    assert "Slack didn't open the dialog. Nothing changed." in harness.read(message)


@over_both_transports
@pytest.mark.parametrize("action_id", ["history_more", "not_ours"])
async def test_a_button_that_nothing_listens_to_is_told_and_logged_once(
    harness: Harness, action_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    message = await harness.types("/extauth get EtGoogle0001")
    for block in message.blocks:
        for element in block.get("elements", []):
            if element["type"] == "button":
                element["action_id"] = action_id

    answer = await harness.presses(message, "Show token")

    assert "older version of Extauth. Start again with /extauth" in harness.read(answer)
    assert message in harness.workspace.messages(ADMIN), "it stays"
    warnings = [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]
    assert [record.getMessage() for record in warnings] == ["a button or form isn't from this version of Extauth"]
    assert warnings[0].__dict__["kind"] == "block_actions"
    assert warnings[0].__dict__["id"] == action_id


@over_both_transports
async def test_a_button_in_a_modal_and_a_form_that_nothing_listens_to_are_told_there(harness: Harness) -> None:
    view = await harness.opens_by_shortcut()
    result = await harness.submits(view, external_token_id="EtGoogle0001")
    for block in result.content["blocks"]:
        for element in block.get("elements", []):
            element["action_id"] = "not_ours"
    assert "older version of Extauth" in harness.read(await harness.presses_in_dialog(result, "Force refresh"))
    harness.workspace.close(result)

    form = await harness.opens("/extauth get")
    form.content["callback_id"] = "not_ours"
    assert "older version of Extauth" in harness.read(await harness.submits(form, external_token_id="EtGoogle0001"))


@over_both_transports
async def test_a_command_that_nothing_listens_to_is_told(harness: Harness) -> None:
    assert "✕ This app's command is /extauth." in harness.read(await harness.types("/other"))


@over_both_transports
async def test_a_shortcut_that_nothing_listens_to_opens_a_modal_that_says_so(harness: Harness) -> None:
    assert await harness.workspace.shortcut(ADMIN, "not_ours")
    await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
    assert "older version of Extauth" in harness.read(await harness.dialog())


@over_both_transports
async def test_payloads_that_expect_no_answer_are_only_acknowledged(harness: Harness) -> None:
    assert harness.workspace.delivery is not None
    event = {"type": "event_callback", "team_id": "T0SANDBOX", "event": {"type": "app_uninstalled"}}
    await harness.workspace.delivery.deliver("events_api", event)
    assert harness.workspace.messages(ADMIN) == []
