"""The buttons *Try again* and *Edit…* under an explanation."""

from typing import Any, assert_never

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.listeners import delete, flow, get, interaction, test
from bot.listeners.interaction import Interaction
from bot.listeners.replies import Replace
from bot.listeners.runtime import Runtime
from bot.slack.external_auth.models import DeleteTokens, GetToken, ListAccounts, TestToken, TokenRequest
from bot.ui.buttons import Button, UnreadableValue, read


async def act(runtime: Runtime, clicked: Interaction, request: TokenRequest) -> None:
    """Make the request that a button carries. A deletion is confirmed first: much may have happened since."""
    match request:
        case GetToken():
            await get.fetch(runtime, clicked, request)
        case DeleteTokens():
            await delete.confirm(runtime, clicked, request)
        case ListAccounts() | TestToken():
            await flow.run(runtime, clicked, request)
        case _:
            assert_never(request)


async def edit(runtime: Runtime, clicked: Interaction, request: GetToken | TestToken | DeleteTokens) -> None:
    """Open the form again, filled in as it was."""
    match request:
        case GetToken():
            forced = request.force_refresh is True
            await get.open_form(runtime, clicked, request.external_token_id, force_refresh=forced, show=request.show)
        case TestToken():
            await test.open_form(runtime, clicked, request.external_token_id)
        case DeleteTokens():
            await delete.open_form(runtime, clicked, {name: str(value) for name, value in request.arguments().items()})
        case _:
            assert_never(request)


def register(app: AsyncApp) -> None:
    """Listen for the buttons."""

    @app.action(Button.RETRY.action_id)
    async def on_retry(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        await ack()
        request = read(body["actions"][0].get("value"))
        clicked = interaction.from_click(runtime, body, context, Replace.ALWAYS)
        flow.start(runtime, clicked, act(runtime, clicked, request))

    @app.action(Button.EDIT.action_id)
    async def on_edit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        await ack()
        request = read(body["actions"][0].get("value"))
        if isinstance(request, ListAccounts):
            raise UnreadableValue("A list has no form.")
        clicked = interaction.from_click(runtime, body, context)
        flow.start(runtime, clicked, edit(runtime, clicked, request))
