"""Fetching a token: `/extauth get`, its dialog, and the buttons *Show token* and *Force refresh*."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.access import Action
from bot.command_text import COMMAND, Flag, Subcommand, UsageError
from bot.dialogs import get_form, metadata
from bot.external_auth.models import GetToken, InvalidParameter
from bot.features import flow
from bot.features import visit as visits
from bot.features.feature import Feature, Values
from bot.features.runtime import Runtime
from bot.features.visit import Visit
from bot.service import Purpose
from bot.ui.buttons import Button, read
from bot.ui.notices import working_screen
from bot.ui.outcomes import revealing_screen
from bot.ui.screen import as_view

FETCHING = "Asking Slack for the token…"

SUBCOMMAND = Subcommand(
    name="get",
    usages=(
        (f"{COMMAND} get ID [--force-refresh] [--show]", "fetches a token; --show opens it at once in a dialog"),
        (f"{COMMAND} get", "opens the dialog for it"),
    ),
    flags=(Flag("external_token_id"), Flag("force_refresh", is_switch=True), Flag("show", is_switch=True)),
    positional="external_token_id",
)


async def on_typed(runtime: Runtime, visit: Visit, values: Values) -> None:
    """`/extauth get …`. Raises UsageError."""
    show, forced = bool(values.get("show")), values.get("force_refresh")
    if "external_token_id" not in values:
        await open_form(runtime, visit, force_refresh=bool(forced), show=show)
        return
    try:
        request = GetToken(str(values["external_token_id"]), None if forced is None else bool(forced))
    except InvalidParameter as error:
        raise UsageError.about(error, SUBCOMMAND) from None
    await fetch(runtime, visit, request, show=show)


async def open_form(runtime: Runtime, visit: Visit, *, force_refresh: bool = False, show: bool = False) -> None:
    """Open the Get dialog with what is already known."""
    blocks = get_form.fields(force_refresh=force_refresh, show=show)
    view = get_form.build(metadata.write(visit.origin), blocks)
    await flow.open_if_allowed(runtime, visit, [Action.GET], lambda _: view)


async def fetch_again(runtime: Runtime, visit: Visit, request: GetToken, *, show: bool) -> None:
    """Fetch the token because a button was pressed."""
    await flow.show_working(visit, FETCHING)
    await fetch(runtime, visit, request, show=show)


async def fetch(runtime: Runtime, visit: Visit, request: GetToken, *, show: bool) -> None:
    """Fetch the token and answer with it: masked, or in a dialog that shows it whole."""
    if show:
        working = as_view(working_screen(FETCHING))
        if await flow.open_if_allowed(runtime, visit, [Action.GET], lambda _: working):
            await reveal(runtime, visit, request)
        return
    purpose = Purpose.REFRESH if request.force_refresh else Purpose.GET
    await flow.answer(runtime, visit, lambda on_wait: runtime.service.get(visit.actor, request, purpose, on_wait))


async def reveal(runtime: Runtime, visit: Visit, request: GetToken) -> None:
    """Fetch the token and show it whole in the open dialog."""
    await flow.answer(
        runtime,
        visit,
        lambda on_wait: runtime.service.get(visit.actor, request, Purpose.SHOW, on_wait),
        revealing_screen,
    )


async def submit(
    ack: AsyncAck, runtime: Runtime, body: dict[str, Any], context: AsyncBoltContext, form: get_form.GetForm
) -> None:
    """A filled-in form was sent: acknowledge, and fetch."""
    visit = visits.from_submission(runtime, body, context, stays_in_dialog=form.show)
    await flow.acknowledge_submission(ack, visit, FETCHING)
    work = reveal if form.show else _fetch_masked
    runtime.start(visit, lambda here: work(runtime, here, form.request))


async def _fetch_masked(runtime: Runtime, visit: Visit, request: GetToken) -> None:
    await fetch(runtime, visit, request, show=False)


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Listen for the dialog and the buttons."""

    @app.view(get_form.CALLBACK_ID)
    async def on_submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        form = get_form.parse(body["view"]["state"]["values"])
        if isinstance(form, dict):
            await ack(response_action="errors", errors=form)
        else:
            await submit(ack, runtime, body, context, form)

    @app.action(Button.SHOW.action_id)
    @app.action(Button.REFRESH.action_id)
    async def on_click(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        action = body["actions"][0]
        request = read(action.get("value")).request
        assert isinstance(request, GetToken)
        show = action["action_id"] == Button.SHOW.action_id
        runtime.start(
            visits.from_click(runtime, body, context), lambda visit: fetch_again(runtime, visit, request, show=show)
        )


FEATURE = Feature(SUBCOMMAND, on_typed, register)
