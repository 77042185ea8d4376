"""Tests of connected accounts without showing their tokens: `/extauth test` and its modal."""

from collections.abc import Mapping

from bot.batch import Batch, BatchState, Item
from bot.commands.subcommand import Option, OptionValues, Subcommand, UsageError
from bot.environment import COMMAND
from bot.ids import PROVIDER_NAME
from bot.listeners import batch, flow, picker, retry
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener
from bot.listeners.replies import Replace
from bot.listeners.routes import Routes
from bot.operation import OpenForm, Operation, Permission
from bot.outcomes import AlreadyRun, Failed, Listed
from bot.slack.external_auth.models import CheckToken, InvalidParameter, ListAccounts
from bot.views import metadata, test_form
from bot.views.batches import no_accounts_screen, recent_note
from bot.views.buttons import OPEN_TEST
from bot.views.outcomes import outcome_screen, working_screen
from bot.views.parts import View, as_view

routes = Routes()


def wanted(values: OptionValues) -> CheckToken | ListAccounts | OpenForm:
    """Return the request for the typed values. Raises UsageError."""
    named = {name: str(value) for name, value in values.items() if name != "all"}
    if not named and not values.get("all"):
        return OpenForm(Operation.TEST)
    token_id = named.pop("external_token_id", None)
    if token_id is not None and (named or values.get("all")):
        raise UsageError("A token ID stands alone: it tests one account.", SUBCOMMAND.usage)
    try:
        if token_id is not None:
            return CheckToken(token_id)
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
        Option("external_token_id", refuses=PROVIDER_NAME),
        Option("provider_key", "tests all accounts of a provider, such as google"),
        Option("app_id", "tests the accounts of another app"),
        Option("all", "tests all connected accounts", is_flag=True),
    ),
    argument="external_token_id",
    permission=Permission.TEST,
)


async def on_typed(interaction: Interaction, request: CheckToken | ListAccounts | OpenForm, _: OptionValues) -> None:
    if isinstance(request, OpenForm):
        await open_form(interaction)
    else:
        await test(interaction, request)


@routes.click(OPEN_TEST, replace=Replace.NEVER)
async def open_form(interaction: Interaction, token_id: str | None = None) -> None:
    """Open the Test modal with the known values."""

    async def view(decisions: Decisions) -> View:
        offer = await picker.offer(interaction, decisions)
        return test_form.build(metadata.write(interaction.origin), offer, token_id)

    await flow.open_if_allowed(interaction, [OpenForm(Operation.TEST)], view)


@retry.edits(CheckToken)
async def edit(interaction: Interaction, _: CheckToken, known: Mapping[str, str]) -> None:
    await open_form(interaction, known.get("external_token_id"))


@routes.modal(test_form.CALLBACK_ID, test_form.parse, stays=lambda request: isinstance(request, ListAccounts))
async def test(interaction: Interaction, request: CheckToken | ListAccounts) -> None:
    """Test one account, or test all listed accounts and show the progress in a modal."""
    if isinstance(request, CheckToken):
        await flow.run(interaction, request)
        return
    if await flow.open_if_allowed(interaction, [OpenForm(Operation.TEST)], as_view(working_screen(request))):
        await _test_listed(interaction, request)


async def _test_listed(interaction: Interaction, request: ListAccounts) -> None:
    runtime = interaction.runtime
    listed, note, is_complete = await batch.list_accounts(interaction, request), "", True
    if isinstance(listed, AlreadyRun):
        return
    if isinstance(listed, Listed):
        accounts = listed.accounts.of_provider(request.provider_key)
        if request.provider_key is not None and not accounts.providers:
            await flow.show(interaction, outcome_screen(listed, runtime.contact))
            return
        items, is_complete = [Item.of_account(account) for account in accounts.accounts], accounts.is_complete
    elif isinstance(listed, Failed) and listed.recent_ids and not request.arguments():
        items, note = [Item(token_id) for token_id in listed.recent_ids], recent_note(listed)
    else:
        await flow.show(interaction, outcome_screen(listed, runtime.contact))
        return
    if not items:
        await flow.show(interaction, no_accounts_screen(request.provider_key, is_complete=is_complete))
        return
    made = Batch.of(interaction.actor, Operation.TEST, items, runtime.shared.clock.now())
    await runtime.shared.batches.put(made, BatchState.RUNNING)
    await batch.run(interaction, made, note)
    if isinstance(listed, Listed) and not request.arguments():
        await runtime.shared.account_states.keep_only(made.team_id, [item.token_id for item in made.items])


LISTENER = Listener(SUBCOMMAND, on_typed)
