"""`/extauth help`: what this person can do; `/extauth help get`: how to use one command."""

from collections.abc import Sequence

from slack_bolt.async_app import AsyncApp

from bot.commands.parser import HELP, TOPIC
from bot.commands.subcommand import COMMAND, Option, Subcommand, UsageError
from bot.listeners import flow
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener, Values
from bot.listeners.runtime import Runtime
from bot.pasted import quote_word
from bot.ui.help import command_screen, help_screen

SUBCOMMAND = Subcommand(
    name=HELP,
    usages=((f"{COMMAND} {HELP} [COMMAND]", "shows this, or how to use one command"),),
    options=(Option(TOPIC),),
    argument=TOPIC,
)
_BARE = (COMMAND, "opens a form to choose what to do")


def listener(others: Sequence[Listener]) -> Listener:
    """Make the help on the other subcommands, in their order, and on itself."""
    subcommands = {other.subcommand.name: other.subcommand for other in others} | {HELP: SUBCOMMAND}

    async def on_typed(runtime: Runtime, typed: Interaction, values: Values) -> None:
        topic = str(values.get(TOPIC, "")).lower()
        if topic in subcommands:
            named = subcommands[topic]
            options = [(option.spelling, option.does) for option in named.options if option.does]
            await flow.show(typed, command_screen(topic, named.usages, options))
        elif topic:
            raise UsageError(f"{COMMAND} has no command “{quote_word(topic)}”.", SUBCOMMAND.usage)
        else:
            decisions = await runtime.service.authorize(typed.actor)
            usable = [
                one for one in subcommands.values() if one.permission is None or decisions[one.permission].allowed
            ]
            commands = [_BARE, *(one.usages[0] for one in usable)]
            await flow.show(typed, help_screen(commands, decisions, runtime.contact))

    return Listener(SUBCOMMAND, on_typed, _register)


def _register(app: AsyncApp, runtime: Runtime) -> None:
    """Help has no modals or buttons of its own."""
