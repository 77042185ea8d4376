"""The modal with the choice: the bare command, and the global shortcut *External tokens*."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.models.views import View

from bot.listeners import delete, flow, get, interaction, picker
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.operation import OpenForm, Operation
from bot.slack.external_auth.models import GetToken
from bot.views import menu, metadata
from bot.views.fields import Values
from bot.workspaces.runtime import Runtime

SHORTCUT = "external_tokens"


async def open_menu(
    runtime: Runtime, asked: Interaction, wanted: Operation = Operation.GET, values: Values | None = None
) -> None:
    """Open the modal, with what this person is allowed to do to choose from."""

    async def view(decisions: Decisions) -> View:
        choices = [operation for operation in menu.LABELS if decisions[operation.permission].allowed]
        chosen = wanted if wanted in choices else choices[0]
        offer = await picker.offer(runtime, asked.actor, decisions, values)
        return menu.build(metadata.write(asked.origin), choices, chosen, offer, values)

    await flow.open_if_allowed(runtime, asked, [OpenForm(operation) for operation in menu.LABELS], view)


def register(app: AsyncApp) -> None:
    """Listen for the shortcut, the choice and the submission."""

    @app.shortcut(SHORTCUT)
    async def on_shortcut(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        await ack()
        chosen = interaction.from_shortcut(runtime, body, context)
        flow.start(runtime, chosen, open_menu(runtime, chosen))

    @app.action(menu.CHOICE)
    async def on_choice(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        await ack()
        values = body["view"]["state"]["values"]
        clicked = interaction.from_click(runtime, body, context)
        flow.start(runtime, clicked, open_menu(runtime, clicked, menu.chosen_in(values), values))

    @app.view(menu.CALLBACK_ID)
    async def on_submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        request = menu.parse(body["view"]["state"]["values"])
        if isinstance(request, dict):
            await ack(response_action="errors", errors=request)
        elif isinstance(request, GetToken):
            await get.submit(ack, runtime, body, context, request)
        else:
            await delete.submit(ack, runtime, body, context, request)
