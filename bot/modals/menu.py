"""The modal that begins with the choice between Get and Delete; the fields follow the choice."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block, InputBlock, Option, RadioButtonsElement
from slack_sdk.models.views import View

from bot.ids import is_id
from bot.modals import delete_form, get_form
from bot.modals.fields import RECENT, TOKEN_ID, FieldErrors, Offer, Values, read_chosen, read_text
from bot.operation import Operation
from bot.slack.external_auth.models import DeleteTokens, GetToken

CALLBACK_ID = "extauth_menu"
CHOICE = "choice"
LABELS = {Operation.GET: "Get a token", Operation.DELETE: "Delete tokens"}
"""The operations to choose from."""


def build(
    metadata: str, choices: Sequence[Operation], chosen: Operation, offer: Offer, values: Values | None = None
) -> View:
    """Build the modal with the fields of `chosen`. `values` are those already filled in, which stay."""
    options = [Option(value=choice.value, label=LABELS[choice]) for choice in choices]
    choice_block = InputBlock(
        block_id=CHOICE,
        label="What do you want to do?",
        dispatch_action=True,
        element=RadioButtonsElement(
            action_id=CHOICE, options=options, initial_option=options[list(choices).index(chosen)]
        ),
    )
    filled_in = read_text(values or {}, TOKEN_ID) or read_text(values or {}, RECENT) or ""
    token_id = filled_in if is_id(filled_in) else None
    form = get_form if chosen is Operation.GET else delete_form
    rest: list[Block] = form.fields(offer, token_id)
    return View(
        type="modal",
        callback_id=CALLBACK_ID,
        title="External tokens",
        submit="Get" if chosen is Operation.GET else "Continue",
        close="Cancel",
        private_metadata=metadata,
        blocks=[choice_block, *rest],
    )


def chosen_in(values: Values) -> Operation:
    """Return what is chosen; Get when Slack doesn't say."""
    value = read_chosen(values, CHOICE)
    return next((choice for choice in LABELS if choice.value == value), Operation.GET)


def parse(values: Values) -> GetToken | DeleteTokens | FieldErrors:
    """Read what was filled in for the chosen operation, or say what is wrong with it."""
    return get_form.parse(values) if chosen_in(values) is Operation.GET else delete_form.parse(values)
