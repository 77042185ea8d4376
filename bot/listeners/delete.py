"""Deletion of tokens in Slack: `/extauth delete`, its modal, the confirmation, and the button *Delete…*."""

from collections.abc import Mapping
from functools import partial

from bot.commands.subcommand import Option, OptionValues, Subcommand, UsageError
from bot.environment import COMMAND
from bot.ids import PROVIDER_NAME
from bot.listeners import cleanup, flow, picker, retry
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener
from bot.listeners.replies import Replace
from bot.listeners.routes import Routes
from bot.operation import OpenForm, Operation, Permission
from bot.slack.external_auth.models import DeleteTokens, InvalidParameter, Selection, select
from bot.views import delete_form as delete
from bot.views import metadata
from bot.views.buttons import OPEN_DELETE, Button, read_as
from bot.views.metadata import PendingDelete
from bot.views.notices import CHECKING
from bot.views.parts import View

routes = Routes()


def wanted(values: OptionValues) -> DeleteTokens | Selection | OpenForm:
    """Return the request for the typed values. Raises UsageError."""
    named = {name: str(value) for name, value in values.items() if name != "yes"}
    if not named:
        return OpenForm(Operation.DELETE)
    try:
        token_ids = named.get("external_token_id", "").split()
        if len(token_ids) <= 1 and "account" not in named:
            return DeleteTokens(**named)
        if "app_id" in named:
            raise UsageError("An app ID works only with a provider key, or alone.", SUBCOMMAND.usage)
        return select(token_ids, named.get("account"), named.get("provider_key"))
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
        Option("external_token_id", repeats=True, refuses=PROVIDER_NAME),
        Option("provider_key", "deletes all tokens of a provider, such as google"),
        Option("app_id", "deletes all tokens of an app"),
        Option("account", f"deletes all tokens of an account, as {COMMAND} list shows it"),
        Option("yes", "deletes one token without asking first", is_flag=True, skips_question=True),
    ),
    argument="external_token_id",
    permission=Permission.DELETE,
)


async def on_typed(
    interaction: Interaction, request: DeleteTokens | Selection | OpenForm, values: OptionValues
) -> None:
    if isinstance(request, OpenForm):
        await open_form(interaction)
    elif isinstance(request, Selection):
        await cleanup.select(interaction, request)
    elif values.get("yes") and not request.is_bulk:
        await flow.run(interaction, request)
    else:
        await confirm(interaction, request)


@routes.click(OPEN_DELETE, replace=Replace.NEVER)
async def open_form(interaction: Interaction, known: Mapping[str, str] | None = None) -> None:
    """Open the Delete modal with the known values, by parameter."""
    named = known or {}

    async def view(decisions: Decisions) -> View:
        offer = await picker.offer(interaction, decisions)
        given = (named.get(name) for name in ("external_token_id", "provider_key", "app_id"))
        return delete.build_form(metadata.write(interaction.origin), offer, *given)

    await flow.open_if_allowed(interaction, [OpenForm(Operation.DELETE)], view)


@retry.edits(DeleteTokens)
async def edit(interaction: Interaction, _: DeleteTokens, known: Mapping[str, str]) -> None:
    await open_form(interaction, known)


@retry.again(DeleteTokens)
@routes.click(Button.DELETE.action_id, read=partial(read_as, DeleteTokens))
@routes.modal(delete.FORM, delete.parse_form, shows=lambda _: CHECKING, stays=lambda _: True)
async def confirm(interaction: Interaction, request: DeleteTokens) -> None:
    """Ask for confirmation of a deletion, in a new modal or in the open one."""
    pending = PendingDelete.of(request)
    view = delete.build_confirmation(metadata.write(interaction.origin, pending), pending)
    await flow.open_if_allowed(interaction, [request], view)


@routes.modal(delete.CONFIRM, delete.parse_confirmation)
async def run(interaction: Interaction, request: DeleteTokens) -> None:
    """Run a confirmed deletion."""
    await flow.run(interaction, request)


LISTENER = Listener(SUBCOMMAND, on_typed)
