"""The buttons *Try again* and *Edit…* under an explanation."""

from typing import assert_never

from bot.listeners import delete, flow, get, test_accounts
from bot.listeners.interaction import Interaction
from bot.listeners.replies import Replace
from bot.listeners.routes import Routes
from bot.slack.external_auth.models import CheckToken, DeleteTokens, GetToken, ListAccounts, TokenRequest
from bot.views.buttons import Button, UnreadableValue, read

routes = Routes()


@routes.click(Button.RETRY.action_id, read=read, replace=Replace.ALWAYS)
async def act(interaction: Interaction, request: TokenRequest) -> None:
    """Run the request that a button carries. A deletion is confirmed first: much may have happened since."""
    match request:
        case GetToken():
            await get.fetch(interaction, request)
        case DeleteTokens():
            await delete.confirm(interaction, request)
        case ListAccounts() | CheckToken():
            await flow.run(interaction, request)
        case _:
            assert_never(request)


def _read_editable(value: object) -> GetToken | CheckToken | DeleteTokens:
    request = read(value)
    if isinstance(request, ListAccounts):
        raise UnreadableValue("A list has no form.")
    return request


@routes.click(Button.EDIT.action_id, read=_read_editable)
async def edit(interaction: Interaction, request: GetToken | CheckToken | DeleteTokens) -> None:
    """Open the form again with the values as they were."""
    known = {name: value for name, value in request.arguments().items() if isinstance(value, str)}
    token_id = known.get("external_token_id")
    match request:
        case GetToken():
            forced = request.force_refresh is True
            await get.open_form(interaction, token_id, force_refresh=forced, show=request.show)
        case CheckToken():
            await test_accounts.open_form(interaction, token_id)
        case DeleteTokens():
            await delete.open_form(interaction, known)
        case _:
            assert_never(request)
