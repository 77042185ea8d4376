"""Listing connected accounts: `/extauth list`, its pages, and the menu beside each account."""

import re
from functools import partial

from slack_bolt.async_app import AsyncApp

from bot.audit.entries import ReadHistory
from bot.commands.subcommand import COMMAND, Option, Subcommand, UsageError, Values
from bot.listeners import flow, retry
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener, on_click
from bot.listeners.replies import Replace
from bot.operation import Permission
from bot.slack.external_auth.models import DeleteTokens, GetToken, InvalidParameter, ListAccounts, TestToken
from bot.views.buttons import MENU, OPEN_LIST, Button, read_as, read_menu
from bot.views.tokens import NAMES
from bot.workspaces.runtime import Runtime

_PROVIDER = re.compile("|".join(NAMES), re.IGNORECASE)


def wanted(values: Values) -> ListAccounts:
    """Return which accounts typed values ask for. Raises UsageError."""
    named = {name: str(value) for name, value in values.items()}
    try:
        return ListAccounts(named.get("provider_key"), named.get("app_id"))
    except InvalidParameter as error:
        raise UsageError.about(error, SUBCOMMAND) from None


SUBCOMMAND = Subcommand(
    name="list",
    usages=((f"{COMMAND} list [--provider-key KEY] [--app-id APP]", "lists connected accounts"),),
    wanted=wanted,
    options=(
        Option("provider_key", "lists only the accounts of a provider, such as google", form=_PROVIDER),
        Option("app_id", "lists the accounts of another app"),
    ),
    argument="provider_key",
    permission=Permission.LIST,
)


async def on_typed(runtime: Runtime, typed: Interaction, request: ListAccounts, _: Values) -> None:
    """Handle `/extauth list …`."""
    await flow.run(runtime, typed, request)


def register(app: AsyncApp) -> None:
    """Listen for the button in the App Home, the pages, and the menu."""

    on_click(app, OPEN_LIST, flow.run_in_modal, lambda _: ListAccounts())
    for button in (Button.OLDER, Button.NEWER):
        on_click(app, button.action_id, flow.run, partial(read_as, ListAccounts))
    # The list stays: the next account may be the next to look at.
    on_click(app, MENU, _choose, read_menu, Replace.NEVER)


async def _choose(
    runtime: Runtime, clicked: Interaction, request: GetToken | TestToken | DeleteTokens | ReadHistory
) -> None:
    if isinstance(request, ReadHistory):
        await flow.run(runtime, clicked, request)
    else:
        await retry.act(runtime, clicked, request)


LISTENER = Listener(SUBCOMMAND, on_typed, register)
