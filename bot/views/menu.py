"""The modal that begins with a choice between Get and Delete, which determines the other fields."""

from collections.abc import Sequence

from bot.ids import is_id
from bot.operation import Operation
from bot.slack.external_auth.models import DeleteTokens, GetToken
from bot.views import delete_form as delete
from bot.views import get_form, parts
from bot.views.fields import (
    RECENT,
    TOKEN_ID,
    FieldErrors,
    FieldValues,
    Offer,
    SubmittedView,
    choice,
    read_text,
)
from bot.views.parts import View

CALLBACK_ID = "extauth_menu"
CHOICE = "choice"
LABELS = {Operation.GET: "Get a token", Operation.DELETE: "Delete tokens"}
"""The operations that a person can choose, and their labels."""


def build(
    metadata: str, choices: Sequence[Operation], chosen: Operation, offer: Offer, values: FieldValues | None = None
) -> View:
    """Build the modal with the fields of `chosen`. `values`, which the person has already filled in, stay."""
    buttons = choice("radio_buttons", CHOICE, {one.value: LABELS[one] for one in choices}, chosen.value)
    choice_block = parts.field(CHOICE, "What do you want to do?", buttons, dispatch_action=True)
    filled_in = read_text(values or {}, TOKEN_ID) or read_text(values or {}, RECENT) or ""
    token_id = filled_in if is_id(filled_in) else None
    build_form = get_form.build if chosen is Operation.GET else delete.build_form
    view = build_form(metadata, offer, token_id)
    title, blocks = parts.plain_text("External tokens"), [choice_block, *view["blocks"]]
    return {**view, "callback_id": CALLBACK_ID, "title": title, "blocks": blocks}


def chosen_in(values: FieldValues) -> Operation:
    """Return the chosen operation, or Get if the values have no choice."""
    value = read_text(values, CHOICE)
    return next((choice for choice in LABELS if choice.value == value), Operation.GET)


def parse(view: SubmittedView) -> GetToken | DeleteTokens | FieldErrors:
    """Return the request, or the mistakes by field."""
    is_get = chosen_in(view["state"]["values"]) is Operation.GET
    return get_form.parse(view) if is_get else delete.parse_form(view)
