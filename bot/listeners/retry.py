"""The buttons *Try again* and *Edit…* under an explanation."""

from typing import assert_never

from slack_bolt.async_app import AsyncApp

from bot.listeners import delete, flow, get, test
from bot.listeners.interaction import Interaction
from bot.listeners.listener import on_click
from bot.listeners.replies import Replace
from bot.slack.external_auth.models import DeleteTokens, GetToken, ListAccounts, TestToken, TokenRequest
from bot.views.buttons import Button, UnreadableValue, read
from bot.workspaces.runtime import Runtime


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
    known = {name: value for name, value in request.arguments().items() if isinstance(value, str)}
    token_id = known.get("external_token_id")
    match request:
        case GetToken():
            forced = request.force_refresh is True
            await get.open_form(runtime, clicked, token_id, force_refresh=forced, show=request.show)
        case TestToken():
            await test.open_form(runtime, clicked, token_id)
        case DeleteTokens():
            await delete.open_form(runtime, clicked, known)
        case _:
            assert_never(request)


def register(app: AsyncApp) -> None:
    """Listen for the buttons."""

    def read_editable(value: object) -> GetToken | TestToken | DeleteTokens:
        request = read(value)
        if isinstance(request, ListAccounts):
            raise UnreadableValue("A list has no form.")
        return request

    on_click(app, Button.RETRY.action_id, act, read, Replace.ALWAYS)
    on_click(app, Button.EDIT.action_id, edit, read_editable)
