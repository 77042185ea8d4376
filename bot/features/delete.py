"""Deleting tokens on Slack's side: `/extauth delete`, its dialog, the confirmation, and the button *Delete…*."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.access import Action
from bot.command_text import COMMAND, Flag, Subcommand, UsageError
from bot.dialogs import delete_confirm, delete_form, metadata
from bot.external_auth.models import DeleteTokens, InvalidParameter
from bot.features import flow
from bot.features import visit as visits
from bot.features.feature import Feature, Values
from bot.features.runtime import Runtime
from bot.features.visit import Visit
from bot.ui.buttons import Button, read
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
    flags=(Flag("external_token_id"), Flag("provider_key"), Flag("app_id"), Flag("yes", is_switch=True)),
    positional="external_token_id",
)


async def on_typed(runtime: Runtime, visit: Visit, values: Values) -> None:
    """`/extauth delete …`. Raises UsageError."""
    named = {name: str(value) for name, value in values.items() if name != "yes"}
    if not named:
        await open_form(runtime, visit)
        return
    try:
        request = DeleteTokens(**named)
    except InvalidParameter as error:
        raise UsageError.about(error, SUBCOMMAND) from None
    if values.get("yes") and not request.is_bulk:
        await erase(runtime, visit, request)
    else:
        await confirm(runtime, visit, request)


async def open_form(runtime: Runtime, visit: Visit) -> None:
    """Open the Delete dialog."""
    view = delete_form.build(metadata.write(visit.origin), delete_form.fields())
    await flow.open_if_allowed(runtime, visit, [Action.DELETE], lambda _: view)


async def confirm(runtime: Runtime, visit: Visit, request: DeleteTokens) -> None:
    """Ask before deleting, in a dialog of its own or in the one the person is in."""
    view = delete_confirm.build(metadata.write(visit.origin, request), request)
    await flow.open_if_allowed(runtime, visit, [Action.DELETE], lambda _: view)


async def erase(runtime: Runtime, visit: Visit, request: DeleteTokens) -> None:
    """Delete, and answer."""
    await flow.answer(runtime, visit, lambda on_wait: runtime.service.delete(visit.actor, request, on_wait))


async def submit(
    ack: AsyncAck, runtime: Runtime, body: dict[str, Any], context: AsyncBoltContext, request: DeleteTokens
) -> None:
    """A filled-in form was sent: its dialog becomes the confirmation."""
    visit = visits.from_submission(runtime, body, context, stays_in_dialog=True)
    await ack(response_action="update", view=as_view(working_screen(CHECKING)))
    runtime.start(visit, lambda here: confirm(runtime, here, request))


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Listen for the dialogs and the button."""

    @app.view(delete_form.CALLBACK_ID)
    async def on_submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        request = delete_form.parse(body["view"]["state"]["values"])
        if isinstance(request, dict):
            await ack(response_action="errors", errors=request)
        else:
            await submit(ack, runtime, body, context, request)

    @app.view(delete_confirm.CALLBACK_ID)
    async def on_confirm(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        request = metadata.read_request(body["view"]["private_metadata"])
        errors = delete_confirm.parse(body["view"]["state"]["values"], request)
        if errors:
            await ack(response_action="errors", errors=errors)
            return
        visit = visits.from_submission(runtime, body, context)
        await flow.acknowledge_submission(ack, visit, DELETING)
        runtime.start(visit, lambda here: erase(runtime, here, request))

    @app.action(Button.DELETE.action_id)
    async def on_click(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        request = read(body["actions"][0].get("value")).request
        assert isinstance(request, DeleteTokens)
        runtime.start(visits.from_click(runtime, body, context), lambda visit: confirm(runtime, visit, request))


FEATURE = Feature(SUBCOMMAND, on_typed, register)
