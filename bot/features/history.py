"""`/extauth history`: who did what, for those who may see it."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.audit import AuditUnavailable
from bot.command_text import COMMAND, Flag, Subcommand, UsageError
from bot.features import visit as visits
from bot.features.feature import Feature, Values
from bot.features.runtime import Runtime
from bot.features.visit import Visit
from bot.service import Refused
from bot.ui.buttons import UnreadableValue
from bot.ui.history import MORE_BUTTON, MOST, history_screen, read_more
from bot.ui.notices import refusal_screen, unreadable_record_screen

USUAL = 10

SUBCOMMAND = Subcommand(
    name="history",
    usages=((f"{COMMAND} history [N]", f"shows the newest N of the audit record (at most {MOST})"),),
    flags=(Flag("count"),),
    positional="count",
)


async def on_typed(runtime: Runtime, visit: Visit, values: Values) -> None:
    """`/extauth history [N]`. Raises UsageError."""
    typed = str(values.get("count", USUAL))
    if not (typed.isascii() and typed.isdigit() and 0 < int(typed[:9]) <= MOST and len(typed) < 9):
        raise UsageError(f"N is a number from 1 to {MOST}, not “{typed[:60]}”.", SUBCOMMAND.usage)
    await show(runtime, visit, int(typed), None)


async def show(runtime: Runtime, visit: Visit, count: int, before: int | None) -> None:
    """Answer with a page of the record."""
    assert visit.reply is not None
    try:
        page = await runtime.service.history(visit.actor, count, before)
    except AuditUnavailable:
        screen = unreadable_record_screen(visit.actor.reference)
    else:
        screen = refusal_screen(page) if isinstance(page, Refused) else history_screen(page, count)
    await visit.reply.show(screen)


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Listen for the button for what is older."""

    @app.action(MORE_BUTTON)
    async def on_more(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        try:
            before, count = read_more(body["actions"][0].get("value"))
        except ValueError:
            raise UnreadableValue("The button's value is not one of this bot's.") from None
        visit = visits.from_click(runtime, body, context)
        runtime.start(visit, lambda here: show(runtime, here, count, before))


FEATURE = Feature(SUBCOMMAND, on_typed, register)
