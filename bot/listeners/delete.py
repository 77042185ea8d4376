"""Deleting tokens on Slack's side: `/extauth delete`, its modal, the confirmation, and the button *Delete…*."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.commands.subcommand import COMMAND, Option, Subcommand, UsageError
from bot.listeners import flow, interaction
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener, Values
from bot.listeners.runtime import Runtime
from bot.modals import delete_confirm, delete_form, metadata
from bot.modals.metadata import PendingDelete
from bot.operation import OpenForm, Operation
from bot.slack.external_auth.models import DeleteTokens, InvalidParameter
from bot.ui.buttons import Button, read_delete
from bot.ui.notices import working_screen
from bot.ui.screen import as_view

DELETING = "Asking Slack to delete…"
CHECKING = "Checking what you may do…"

SUBCOMMAND = Subcommand(
    name="delete",
    usages=(
        (f"{COMMAND} delete ID [--yes] | [--provider-key KEY] [--app-id APP]", "deletes on Slack's side, after asking"),
        (
            f"{COMMAND} delete ID --yes",
            "deletes one token without asking; a provider's or app's are always asked about",
        ),
        (f"{COMMAND} delete", "opens the dialog for it"),
    ),
    options=(Option("external_token_id"), Option("provider_key"), Option("app_id"), Option("yes", is_flag=True)),
    argument="external_token_id",
)


async def on_typed(runtime: Runtime, typed: Interaction, values: Values) -> None:
    """Handle `/extauth delete …`. Raises UsageError."""
    named = {name: str(value) for name, value in values.items() if name != "yes"}
    if not named:
        await open_form(runtime, typed)
        return
    try:
        request = DeleteTokens(**named)
    except InvalidParameter as error:
        raise UsageError.about(error, SUBCOMMAND) from None
    if values.get("yes") and not request.is_bulk:
        await flow.run(runtime, typed, request)
    else:
        await confirm(runtime, typed, request)


async def open_form(runtime: Runtime, asked: Interaction) -> None:
    """Open the Delete modal."""
    view = delete_form.build(metadata.write(asked.origin), delete_form.fields())
    await flow.open_if_allowed(runtime, asked, [OpenForm(Operation.DELETE)], lambda _: view)


async def confirm(runtime: Runtime, asked: Interaction, request: DeleteTokens) -> None:
    """Ask before deleting, in a modal of its own or in the one the person is in."""
    pending = PendingDelete.of(request)
    view = delete_confirm.build(metadata.write(asked.origin, pending), pending)
    await flow.open_if_allowed(runtime, asked, [request], lambda _: view)


async def submit(
    ack: AsyncAck, runtime: Runtime, body: dict[str, Any], context: AsyncBoltContext, request: DeleteTokens
) -> None:
    """Turn the modal of a filled-in form into the confirmation."""
    submitted = interaction.from_submission(runtime, body, context, stays_in_modal=True)
    await ack(response_action="update", view=as_view(working_screen(CHECKING)))
    flow.start(runtime, submitted, confirm(runtime, submitted, request))


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Listen for the modals and the button."""

    @app.view(delete_form.CALLBACK_ID)
    async def on_submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        request = delete_form.parse(body["view"]["state"]["values"])
        if isinstance(request, dict):
            await ack(response_action="errors", errors=request)
        else:
            await submit(ack, runtime, body, context, request)

    @app.view(delete_confirm.CALLBACK_ID)
    async def on_confirm(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        pending = metadata.read_pending(body["view"]["private_metadata"])
        request = delete_confirm.parse(body["view"]["state"]["values"], pending)
        if isinstance(request, dict):
            await ack(response_action="errors", errors=request)
            return
        confirmed = interaction.from_submission(runtime, body, context)
        await flow.acknowledge_submission(ack, confirmed, DELETING)
        flow.start(runtime, confirmed, flow.run(runtime, confirmed, request))

    @app.action(Button.DELETE.action_id)
    async def on_click(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        request = read_delete(body["actions"][0].get("value"))
        clicked = interaction.from_click(runtime, body, context)
        flow.start(runtime, clicked, confirm(runtime, clicked, request))


LISTENER = Listener(SUBCOMMAND, on_typed, register)
