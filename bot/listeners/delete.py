"""Deleting tokens on Slack's side: `/extauth delete`, its modal, the confirmation, and the button *Delete…*."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.models.views import View

from bot.commands.subcommand import COMMAND, Option, Subcommand, UsageError, Values, check_is_no_provider
from bot.listeners import cleanup, flow, interaction, picker
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener, on_click
from bot.listeners.replies import Replace
from bot.operation import OpenForm, Operation, Permission
from bot.slack.external_auth.models import DeleteTokens, InvalidParameter, Selection, select
from bot.views import delete_form as delete
from bot.views import metadata
from bot.views.buttons import OPEN_DELETE, Button, read_as
from bot.views.metadata import PendingDelete, UnreadableMetadata
from bot.views.notices import checking_screen
from bot.views.parts import as_view
from bot.workspaces.runtime import Runtime


def wanted(values: Values) -> DeleteTokens | Selection | OpenForm:
    """Return what typed values ask for. Raises UsageError."""
    named = {name: str(value) for name, value in values.items() if name != "yes"}
    if not named:
        return OpenForm(Operation.DELETE)
    check_is_no_provider(values, SUBCOMMAND)
    try:
        if " " in named.get("external_token_id", "") or "account" in named:
            return _selection(named)
        return DeleteTokens(**named)
    except InvalidParameter as error:
        raise UsageError.about(error, SUBCOMMAND) from None


SUBCOMMAND = Subcommand(
    name="delete",
    usages=(
        (
            f"{COMMAND} delete ID… [--yes] | [--provider-key KEY] [--app-id APP] | --account NAME",
            "deletes tokens from Slack",
        ),
        (f"{COMMAND} delete", "opens a form"),
    ),
    wanted=wanted,
    options=(
        Option("external_token_id", repeats=True),
        Option("provider_key", "deletes all tokens of a provider, such as google"),
        Option("app_id", "deletes all tokens of an app"),
        Option("account", "deletes all tokens of an account, as /extauth list shows it"),
        Option("yes", "deletes one token without asking first", is_flag=True, skips_question=True),
    ),
    argument="external_token_id",
    permission=Permission.DELETE,
)


async def on_typed(
    runtime: Runtime, typed: Interaction, request: DeleteTokens | Selection | OpenForm, values: Values
) -> None:
    """Handle `/extauth delete …`."""
    if isinstance(request, OpenForm):
        await open_form(runtime, typed)
    elif isinstance(request, Selection):
        await cleanup.select(runtime, typed, request)
    elif values.get("yes") and not request.is_bulk:
        await flow.run(runtime, typed, request)
    else:
        await confirm(runtime, typed, request)


def _selection(named: Mapping[str, str]) -> Selection:
    """Return which of several tokens are meant. Raises UsageError and InvalidParameter."""
    if "app_id" in named:
        raise UsageError("An app ID works only with a provider key, or alone.", SUBCOMMAND.usage)
    token_ids = named.get("external_token_id", "").split()
    return select(token_ids, named.get("account"), named.get("provider_key"))


async def open_form(runtime: Runtime, asked: Interaction, known: Mapping[str, str] | None = None) -> None:
    """Open the Delete modal with what is already known, by parameter."""
    named = known or {}

    async def view(decisions: Decisions) -> View:
        offer = await picker.offer(runtime, asked.actor, decisions)
        given = (named.get(name) for name in ("external_token_id", "provider_key", "app_id"))
        return delete.build_form(metadata.write(asked.origin), delete.fields(offer, *given))

    await flow.open_if_allowed(runtime, asked, [OpenForm(Operation.DELETE)], view)


async def confirm(runtime: Runtime, asked: Interaction, request: DeleteTokens) -> None:
    """Ask before deleting, in a modal of its own or in the one the person is in."""
    pending = PendingDelete.of(request)
    view = delete.build_confirmation(metadata.write(asked.origin, pending), pending)
    await flow.open_if_allowed(runtime, asked, [request], view)


async def submit(
    ack: AsyncAck, runtime: Runtime, body: dict[str, Any], context: AsyncBoltContext, request: DeleteTokens
) -> None:
    """Turn the modal of a filled-in form into the confirmation."""
    submitted = interaction.from_submission(runtime, body, context, stays_in_modal=True)
    await ack(response_action="update", view=as_view(checking_screen()))
    flow.start(runtime, submitted, confirm(runtime, submitted, request))


def register(app: AsyncApp) -> None:
    """Listen for the modals and the button."""

    @app.view(delete.FORM)
    async def on_submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        request = delete.parse_form(body["view"]["state"]["values"])
        if isinstance(request, dict):
            await ack(response_action="errors", errors=request)
        else:
            await submit(ack, runtime, body, context, request)

    @app.view(delete.CONFIRM)
    async def on_confirm(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        pending = metadata.read(body["view"]["private_metadata"]).request
        if pending is None:
            raise UnreadableMetadata("The modal has no deletion of this bot's.")
        request = delete.parse_confirmation(body["view"]["state"]["values"], pending)
        if isinstance(request, dict):
            await ack(response_action="errors", errors=request)
            return
        confirmed = interaction.from_submission(runtime, body, context)
        await flow.submit(ack, runtime, confirmed, request)

    on_click(app, Button.DELETE.action_id, confirm, partial(read_as, DeleteTokens))
    on_click(app, OPEN_DELETE, open_form, replace=Replace.NEVER)


LISTENER = Listener(SUBCOMMAND, on_typed, register)
