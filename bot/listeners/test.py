"""Testing connected accounts without showing their tokens: `/extauth test` and its modal."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.models.views import View

from bot.batch import Batch, BatchState, Item
from bot.commands.subcommand import COMMAND, Option, Subcommand, UsageError, Values, check_is_no_provider
from bot.listeners import batch, flow, interaction, picker
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener, on_click
from bot.listeners.replies import Replace
from bot.operation import OpenForm, Operation, Permission
from bot.outcomes import AlreadyRun, Failed, Listed
from bot.slack.external_auth.models import InvalidParameter, ListAccounts, TestToken
from bot.views import metadata, test_form
from bot.views.batches import no_accounts_screen, recent_note
from bot.views.buttons import OPEN_TEST
from bot.views.notices import working_screen
from bot.views.outcomes import outcome_screen
from bot.views.parts import as_view
from bot.workspaces.runtime import Runtime


def wanted(values: Values) -> TestToken | ListAccounts | OpenForm:
    """Return what typed values ask for. Raises UsageError."""
    named = {name: str(value) for name, value in values.items() if name != "all"}
    if not named and not values.get("all"):
        return OpenForm(Operation.TEST)
    check_is_no_provider(values, SUBCOMMAND)
    token_id = named.pop("external_token_id", None)
    if token_id is not None and (named or values.get("all")):
        raise UsageError("A token ID stands alone: it tests one account.", SUBCOMMAND.usage)
    try:
        if token_id is not None:
            return TestToken(token_id)
        return ListAccounts(named.get("provider_key"), named.get("app_id"))
    except InvalidParameter as error:
        raise UsageError.about(error, SUBCOMMAND) from None


SUBCOMMAND = Subcommand(
    name="test",
    usages=(
        (f"{COMMAND} test ID | --provider-key KEY | --all", "checks whether connected accounts still work"),
        (f"{COMMAND} test", "opens a form"),
    ),
    wanted=wanted,
    options=(
        Option("external_token_id"),
        Option("provider_key", "tests all accounts of a provider, such as google"),
        Option("app_id", "tests the accounts of another app"),
        Option("all", "tests all connected accounts", is_flag=True),
    ),
    argument="external_token_id",
    permission=Permission.GET,
)


async def on_typed(
    runtime: Runtime, typed: Interaction, request: TestToken | ListAccounts | OpenForm, _: Values
) -> None:
    """Handle `/extauth test …`."""
    if isinstance(request, OpenForm):
        await open_form(runtime, typed)
    else:
        await test(runtime, typed, request)


async def open_form(runtime: Runtime, asked: Interaction, token_id: str | None = None) -> None:
    """Open the Test modal with what is already known."""

    async def view(decisions: Decisions) -> View:
        offer = await picker.offer(runtime, asked.actor, decisions)
        return test_form.build(metadata.write(asked.origin), offer, token_id)

    await flow.open_if_allowed(runtime, asked, [OpenForm(Operation.TEST)], view)


async def test(runtime: Runtime, asked: Interaction, request: TestToken | ListAccounts) -> None:
    """Test one account, or all that are listed. Of many, the progress is shown in a modal."""
    if isinstance(request, TestToken):
        await flow.run(runtime, asked, request)
        return
    if await flow.open_if_allowed(runtime, asked, [OpenForm(Operation.TEST)], as_view(working_screen(request))):
        await _test_listed(runtime, asked, request)


async def _test_listed(runtime: Runtime, asked: Interaction, request: ListAccounts) -> None:
    listed, note = await batch.list_accounts(runtime, asked, request), ""
    if isinstance(listed, AlreadyRun):
        return
    if isinstance(listed, Listed):
        accounts = listed.accounts.of_provider(request.provider_key)
        if request.provider_key is not None and not accounts.providers:
            await flow.show(asked, outcome_screen(listed, runtime.contact))
            return
        items = [Item.of_account(account) for account in accounts.accounts]
    elif isinstance(listed, Failed) and listed.recent_ids and not request.arguments():
        items, note = [Item(token_id) for token_id in listed.recent_ids], recent_note(listed)
    else:
        await flow.show(asked, outcome_screen(listed, runtime.contact))
        return
    if not items:
        await flow.show(asked, no_accounts_screen(request.provider_key))
        return
    made = Batch.of(asked.actor, Operation.TEST, items, runtime.clock.now())
    await runtime.batches.put(made, BatchState.RUNNING)
    await batch.run(runtime, asked, made, note)
    if isinstance(listed, Listed) and not request.arguments():
        await runtime.account_states.keep_only(made.team_id, [item.token_id for item in made.items])


def register(app: AsyncApp) -> None:
    """Listen for the modal and the button that opens it."""

    @app.view(test_form.CALLBACK_ID)
    async def on_submit(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext, runtime: Runtime) -> None:
        request = test_form.parse(body["view"]["state"]["values"])
        if isinstance(request, dict):
            await ack(response_action="errors", errors=request)
            return
        is_many = isinstance(request, ListAccounts)
        submitted = interaction.from_submission(runtime, body, context, stays_in_modal=is_many)
        await flow.submit(ack, runtime, submitted, request, test)

    on_click(app, OPEN_TEST, open_form, replace=Replace.NEVER)


LISTENER = Listener(SUBCOMMAND, on_typed, register)
