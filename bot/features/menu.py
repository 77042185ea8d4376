"""The dialog with the choice: the bare command, and the global shortcut *External tokens*."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.access import Action
from bot.dialogs import menu, metadata
from bot.dialogs.fields import Values
from bot.dialogs.get_form import GetForm
from bot.dialogs.menu import Choice
from bot.features import delete, flow, get
from bot.features import visit as visits
from bot.features.flow import Permissions
from bot.features.runtime import Runtime
from bot.features.visit import Visit

SHORTCUT = "external_tokens"

_ACTIONS = {Choice.GET: Action.GET, Choice.DELETE: Action.DELETE}


async def open_menu(runtime: Runtime, visit: Visit, wanted: Choice = Choice.GET, values: Values | None = None) -> None:
    """Open the dialog, with what this person may do to choose from."""

    def view(permissions: Permissions) -> Any:
        choices = [choice for choice, action in _ACTIONS.items() if permissions[action].allowed]
        chosen = wanted if wanted in choices else choices[0]
        return menu.build(metadata.write(visit.origin), choices, chosen, values)

    await flow.open_if_allowed(runtime, visit, list(_ACTIONS.values()), view)


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Listen for the shortcut, the choice and the submission."""

    @app.shortcut(SHORTCUT)
    async def on_shortcut(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        runtime.start(visits.from_shortcut(runtime, body, context), lambda visit: open_menu(runtime, visit))

    @app.action(menu.CHOICE)
    async def on_choice(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        values = body["view"]["state"]["values"]
        chosen = menu.chosen_in(values)
        runtime.start(
            visits.from_click(runtime, body, context), lambda visit: open_menu(runtime, visit, chosen, values)
        )

    @app.view(menu.CALLBACK_ID)
    async def on_submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        filled = menu.parse(body["view"]["state"]["values"])
        if isinstance(filled, dict):
            await ack(response_action="errors", errors=filled)
        elif isinstance(filled, GetForm):
            await get.submit(ack, runtime, body, context, filled)
        else:
            await delete.submit(ack, runtime, body, context, filled)
