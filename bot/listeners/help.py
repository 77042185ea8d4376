"""`/extauth help`: how to use the bot, and what this person is allowed to do."""

from collections.abc import Sequence

from slack_bolt.async_app import AsyncApp

from bot.commands.subcommand import COMMAND, Subcommand
from bot.listeners import flow
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener, Values
from bot.listeners.runtime import Runtime
from bot.ui.notices import help_screen

SUBCOMMAND = Subcommand(name="help", usages=((f"{COMMAND} help", "shows this"),))


def listener(others: Sequence[Listener]) -> Listener:
    """Make the help on the other subcommands, in their order, and on itself."""
    usages = [(COMMAND, "opens the dialog to choose what to do")]
    for subcommand in (*(other.subcommand for other in others), SUBCOMMAND):
        usages += subcommand.usages

    async def on_typed(runtime: Runtime, typed: Interaction, values: Values) -> None:
        decisions = await runtime.service.authorize(typed.actor)
        await flow.show(typed, help_screen(usages, decisions))

    return Listener(SUBCOMMAND, on_typed, _register)


def _register(app: AsyncApp, runtime: Runtime) -> None:
    """Help has no modals or buttons: it is only typed."""
