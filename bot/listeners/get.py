"""Fetching a token: `/extauth get`, its modal, and the buttons *Show token* and *Force refresh*."""

from functools import partial
from types import MappingProxyType
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.models.views import View

from bot.commands.subcommand import COMMAND, Option, Subcommand, UsageError, Values, check_is_no_provider
from bot.ids import TYPED_TOKEN_ID
from bot.listeners import flow, interaction, picker
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener, on_click
from bot.listeners.replies import ModalReply, Replace
from bot.listeners.waiting import show_progress
from bot.operation import OpenForm, Operation, Permission
from bot.slack.external_auth.models import GetToken, InvalidParameter
from bot.views import get_form, metadata
from bot.views.buttons import OPEN_GET, Button, read_as
from bot.views.notices import working_screen
from bot.views.parts import as_view
from bot.workspaces.runtime import Runtime


def wanted(values: Values) -> GetToken | OpenForm:
    """Return what typed values ask for. Raises UsageError."""
    if "external_token_id" not in values:
        return OpenForm(Operation.GET)
    check_is_no_provider(values, SUBCOMMAND)
    forced = values.get("force_refresh")
    try:
        return GetToken(
            str(values["external_token_id"]), None if forced is None else bool(forced), bool(values.get("show"))
        )
    except InvalidParameter as error:
        raise UsageError.about(error, SUBCOMMAND) from None


SUBCOMMAND = Subcommand(
    name="get",
    usages=(
        (f"{COMMAND} get ID [--force-refresh] [--show]", "fetches a token"),
        (f"{COMMAND} get", "opens a form"),
    ),
    wanted=wanted,
    options=(
        Option("external_token_id", form=TYPED_TOKEN_ID),
        Option("force_refresh", "gets a new token from the provider, even if this one hasn't expired", is_flag=True),
        Option("show", "shows the token in full right away", is_flag=True),
    ),
    argument="external_token_id",
    permission=Permission.GET,
)


async def open_form(
    runtime: Runtime,
    asked: Interaction,
    token_id: str | None = None,
    *,
    force_refresh: bool = False,
    show: bool = False,
) -> None:
    """Open the Get modal with what is already known."""

    async def view(decisions: Decisions) -> View:
        offer = await picker.offer(runtime, asked.actor, decisions)
        blocks = get_form.fields(offer, token_id, force_refresh=force_refresh, show=show)
        return get_form.build(metadata.write(asked.origin), blocks)

    await flow.open_if_allowed(runtime, asked, [OpenForm(Operation.GET)], view)


async def fetch(
    runtime: Runtime, asked: Interaction, request: GetToken | OpenForm, typed: Values = MappingProxyType({})
) -> None:
    """Fetch the token and answer with it: masked, or in a modal that shows it whole.

    Without its ID, open the form with what was typed.
    """
    if isinstance(request, OpenForm):
        forced, show = bool(typed.get("force_refresh")), bool(typed.get("show"))
        await open_form(runtime, asked, force_refresh=forced, show=show)
        return
    if request.show:
        if not await flow.open_if_allowed(runtime, asked, [request], as_view(working_screen(request))):
            return
    elif isinstance(asked.reply, ModalReply):
        # In place of the button that was pressed, so that it isn't pressed twice.
        await show_progress(asked.reply, working_screen(request))
    await flow.run(runtime, asked, request)


async def submit(
    ack: AsyncAck, runtime: Runtime, body: dict[str, Any], context: AsyncBoltContext, request: GetToken
) -> None:
    """Acknowledge a filled-in form, and fetch."""
    submitted = interaction.from_submission(runtime, body, context, stays_in_modal=request.show)
    await flow.submit(ack, runtime, submitted, request)


def register(app: AsyncApp) -> None:
    """Listen for the modal and the buttons."""

    @app.view(get_form.CALLBACK_ID)
    async def on_submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        request = get_form.parse(body["view"]["state"]["values"])
        if isinstance(request, dict):
            await ack(response_action="errors", errors=request)
        else:
            await submit(ack, runtime, body, context, request)

    for button in (Button.SHOW, Button.REFRESH):
        on_click(app, button.action_id, fetch, partial(read_as, GetToken))
    on_click(app, OPEN_GET, open_form, replace=Replace.NEVER)


LISTENER = Listener(SUBCOMMAND, fetch, register)
