"""The dialog that begins with the choice between Get and Delete; the fields follow the choice."""

from collections.abc import Sequence
from enum import Enum

from slack_sdk.models.blocks import Block, InputBlock, Option, RadioButtonsElement
from slack_sdk.models.views import View

from bot.dialogs import delete_form, get_form
from bot.dialogs.fields import FieldErrors, Values, read_chosen, read_text
from bot.external_auth.models import DeleteTokens

CALLBACK_ID = "extauth_menu"
CHOICE = "choice"


class Choice(Enum):
    """What to do, and what the choice says."""

    GET = "get", "Get a token"
    DELETE = "delete", "Delete tokens"

    def __init__(self, key: str, label: str) -> None:
        self.key = key
        self.label = label


def build(metadata: str, choices: Sequence[Choice], chosen: Choice, values: Values | None = None) -> View:
    """The dialog with the fields of `chosen`. `values` are those already filled in, which stay."""
    options = [Option(value=choice.key, label=choice.label) for choice in choices]
    choice_block = InputBlock(
        block_id=CHOICE,
        label="What do you want to do?",
        dispatch_action=True,
        element=RadioButtonsElement(
            action_id=CHOICE, options=options, initial_option=options[list(choices).index(chosen)]
        ),
    )
    token_id = read_text(values or {}, get_form.TOKEN_ID)
    rest: list[Block] = get_form.fields(token_id) if chosen is Choice.GET else delete_form.fields(token_id)
    return View(
        type="modal",
        callback_id=CALLBACK_ID,
        title="External tokens",
        submit="Get" if chosen is Choice.GET else "Continue",
        close="Cancel",
        private_metadata=metadata,
        blocks=[choice_block, *rest],
    )


def chosen_in(values: Values) -> Choice:
    """What is chosen; Get when Slack does not say."""
    key = read_chosen(values, CHOICE)
    return next((choice for choice in Choice if choice.key == key), Choice.GET)


def parse(values: Values) -> get_form.GetForm | DeleteTokens | FieldErrors:
    """What was filled in for the chosen deed, or what is wrong with it."""
    return get_form.parse(values) if chosen_in(values) is Choice.GET else delete_form.parse(values)
