"""Listing connected accounts: `/extauth list`, its pages, and the menu beside each account."""

import re
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.audit.entries import ReadHistory
from bot.commands.subcommand import COMMAND, Option, Subcommand, UsageError, Values
from bot.listeners import flow, interaction, retry
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener
from bot.listeners.replies import Replace
from bot.listeners.runtime import Runtime
from bot.operation import Permission, Request
from bot.slack.external_auth.models import InvalidParameter, ListAccounts
from bot.ui.buttons import MENU, OPEN_LIST, Button, read_as, read_menu
from bot.ui.tokens import NAMES

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


async def on_typed(runtime: Runtime, typed: Interaction, values: Values) -> None:
    """Handle `/extauth list …`. Raises UsageError."""
    await flow.run(runtime, typed, wanted(values))


def register(app: AsyncApp) -> None:
    """Listen for the button in the App Home, the pages, and the menu."""

    @app.action(OPEN_LIST)
    async def on_open(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        await ack()
        clicked = interaction.from_click(runtime, body, context)
        await flow.start(runtime, clicked, flow.run_in_modal(runtime, clicked, ListAccounts()))

    @app.action(Button.OLDER.action_id)
    @app.action(Button.NEWER.action_id)
    async def on_page(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        await ack()
        request = read_as(ListAccounts, body["actions"][0].get("value"))
        clicked = interaction.from_click(runtime, body, context)
        await flow.start_run(runtime, clicked, request)

    @app.action(MENU)
    async def on_menu(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        await ack()
        request = read_menu(body["actions"][0].get("selected_option", {}).get("value"))
        # The list stays: the next account may be the next to look at.
        clicked = interaction.from_click(runtime, body, context, Replace.NEVER)
        if isinstance(request, ReadHistory):
            work = flow.run(runtime, clicked, request)
        else:
            work = retry.act(runtime, clicked, request)
        await flow.start(runtime, clicked, work)


def _runs(asked_for: Request) -> ListAccounts | None:
    return asked_for if isinstance(asked_for, ListAccounts) else None


LISTENER = Listener(SUBCOMMAND, on_typed, register, _runs)
