"""`/extauth history`: who did what, for those with permission to see it."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.audit.entries import ReadHistory
from bot.commands.subcommand import COMMAND, Option, Subcommand, UsageError
from bot.listeners import flow, interaction
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener, Values
from bot.listeners.runtime import Runtime
from bot.operation import Permission
from bot.pasted import quote_word
from bot.ui.history import MAX_COUNT, MORE_BUTTON, read_more

DEFAULT_COUNT = 10

SUBCOMMAND = Subcommand(
    name="history",
    usages=((f"{COMMAND} history [N]", f"shows the last N audit log entries, up to {MAX_COUNT}"),),
    options=(Option("count"),),
    argument="count",
    permission=Permission.HISTORY,
)


async def on_typed(runtime: Runtime, typed: Interaction, values: Values) -> None:
    """Handle `/extauth history [N]`. Raises UsageError."""
    text = str(values.get("count", DEFAULT_COUNT))
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 0 < int(text) <= MAX_COUNT):
        raise UsageError(f"N must be a number from 1 to {MAX_COUNT}, not “{quote_word(text)}”.", SUBCOMMAND.usage)
    await flow.run(runtime, typed, ReadHistory(int(text)))


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Listen for the button for what is older."""

    @app.action(MORE_BUTTON)
    async def on_more(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        request = read_more(body["actions"][0].get("value"))
        clicked = interaction.from_click(runtime, body, context)
        await flow.start(runtime, clicked, flow.run(runtime, clicked, request))


LISTENER = Listener(SUBCOMMAND, on_typed, register)
