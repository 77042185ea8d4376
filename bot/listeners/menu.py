"""The modal with a choice of operations, for the bare command and the global shortcut *External tokens*."""

from bot.listeners import delete, flow, get, picker
from bot.listeners.flow import Decisions
from bot.listeners.interaction import Interaction
from bot.listeners.routes import Routes
from bot.operation import OpenForm, Operation
from bot.slack.external_auth.models import DeleteTokens, GetToken
from bot.views import menu, metadata
from bot.views.fields import FieldValues
from bot.views.notices import CHECKING
from bot.views.outcomes import working_screen
from bot.views.parts import View

SHORTCUT = "external_tokens"
routes = Routes()


@routes.shortcut(SHORTCUT)
async def open_menu(
    interaction: Interaction, wanted: Operation = Operation.GET, values: FieldValues | None = None
) -> None:
    """Open the modal with the operations that the person is allowed to choose."""

    async def view(decisions: Decisions) -> View:
        choices = [operation for operation in menu.LABELS if decisions[operation.permission].allowed]
        chosen = wanted if wanted in choices else choices[0]
        offer = await picker.offer(interaction, decisions, values)
        return menu.build(metadata.write(interaction.origin), choices, chosen, offer, values)

    await flow.open_if_allowed(interaction, [OpenForm(operation) for operation in menu.LABELS], view)


@routes.click(menu.CHOICE)
async def choose(interaction: Interaction) -> None:
    """Show the fields of the chosen operation."""
    values = interaction.click.fields
    await open_menu(interaction, menu.chosen_in(values), values)


@routes.modal(
    menu.CALLBACK_ID,
    menu.parse,
    shows=lambda request: working_screen(request) if isinstance(request, GetToken) else CHECKING,
    stays=lambda request: isinstance(request, DeleteTokens) or request.show,
)
async def act(interaction: Interaction, request: GetToken | DeleteTokens) -> None:
    """Fetch the token, or ask before deleting."""
    if isinstance(request, GetToken):
        await get.fetch(interaction, request)
    else:
        await delete.confirm(interaction, request)
