"""Fetching of a token: `/extauth get`, its modal, and the buttons *Show token* and *Force refresh*."""

from collections.abc import Mapping
from functools import partial

from bot.commands.subcommand import Option, OptionValues, Subcommand, UsageError
from bot.environment import COMMAND
from bot.ids import PROVIDER_NAME, TYPED_TOKEN_ID
from bot.listeners import flow, picker, retry
from bot.listeners.flow import Decisions, show_progress
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener
from bot.listeners.replies import ModalReply, Replace
from bot.listeners.routes import Routes
from bot.operation import OpenForm, Operation, Permission
from bot.slack.external_auth.models import GetToken, InvalidParameter
from bot.views import get_form, metadata
from bot.views.buttons import OPEN_GET, Button, read_as
from bot.views.outcomes import working_screen
from bot.views.parts import View, as_view

routes = Routes()


def wanted(values: OptionValues) -> GetToken | OpenForm:
    """Return the request for the typed values. Raises UsageError."""
    if "external_token_id" not in values:
        return OpenForm(Operation.GET)
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
        Option("external_token_id", form=TYPED_TOKEN_ID, refuses=PROVIDER_NAME),
        Option("force_refresh", "gets a new token from the provider, even if this one hasn't expired", is_flag=True),
        Option("show", "shows the token in full right away", is_flag=True, permission=Permission.SHOW),
    ),
    argument="external_token_id",
    permission=Permission.GET,
)


@routes.click(OPEN_GET, replace=Replace.NEVER)
async def open_form(
    interaction: Interaction,
    token_id: str | None = None,
    *,
    force_refresh: bool = False,
    show: bool = False,
) -> None:
    """Open the Get modal with the known values."""

    async def view(decisions: Decisions) -> View:
        offer = await picker.offer(interaction, decisions)
        remembered = metadata.write(interaction.origin)
        return get_form.build(remembered, offer, token_id, force_refresh=force_refresh, show=show)

    await flow.open_if_allowed(interaction, [OpenForm(Operation.GET)], view)


@retry.edits(GetToken)
async def edit(interaction: Interaction, request: GetToken, known: Mapping[str, str]) -> None:
    token_id, forced = known.get("external_token_id"), request.force_refresh is True
    await open_form(interaction, token_id, force_refresh=forced, show=request.show)


async def on_typed(interaction: Interaction, request: GetToken | OpenForm, typed: OptionValues) -> None:
    """Fetch the token that `/extauth get` names, or without an ID, open the form with the other values."""
    if isinstance(request, GetToken):
        await fetch(interaction, request)
    else:
        forced, show = bool(typed.get("force_refresh")), bool(typed.get("show"))
        await open_form(interaction, force_refresh=forced, show=show)


@retry.again(GetToken)
@routes.modal(get_form.CALLBACK_ID, get_form.parse, stays=lambda request: request.show)
@routes.click(Button.SHOW.action_id, Button.REFRESH.action_id, read=partial(read_as, GetToken))
async def fetch(interaction: Interaction, request: GetToken) -> None:
    """Fetch the token and show it, either masked or in full in a modal."""
    if request.show:
        if not await flow.open_if_allowed(interaction, [request], as_view(working_screen(request))):
            return
    elif isinstance(interaction.reply, ModalReply):
        # The notice replaces the button, so that the person can't click it twice.
        await show_progress(interaction.reply, working_screen(request))
    await flow.run(interaction, request)


LISTENER = Listener(SUBCOMMAND, on_typed)
