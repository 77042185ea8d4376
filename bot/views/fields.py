"""Fields for IDs, which people type or choose from a list or recent IDs, and functions that read the values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.ids import TypedText, is_id, unwrap
from bot.slack.external_auth.models import LABELS, MAX_ID, InvalidParameter, PastedToken, check_id
from bot.views import parts, picker
from bot.views.parts import Block, View

FieldValues = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""The values that a person filled in, by block ID and action ID, from `view.state.values`."""

SubmittedView = Mapping[str, Any]
"""A submitted modal. https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload"""

FieldErrors = dict[str, str]
"""Mistakes by block ID, which Slack shows beside the fields."""

TOKEN_ID = "external_token_id"
PROVIDER_KEY = "provider_key"
APP_ID = "app_id"
RECENT = "recent_token_id"


@dataclass(frozen=True, slots=True)
class Offer:
    """The choices that a form offers to save a person from typing.

    `has_list` is True if the accounts can be listed for the person. Otherwise, `recent_ids` are the IDs of the tokens
    that the person used recently. `can_show`: the person may show tokens in full.
    """

    has_list: bool = False
    recent_ids: tuple[str, ...] = ()
    can_show: bool = False


class UnusableChoice(ValueError):
    """A value that can't be used. The message is a sentence to show to the person."""


def form(callback_id: str, title: str, submit: str, metadata: str, blocks: Sequence[Block]) -> View:
    """Build a modal with fields. `submit` is the label of the submit button."""
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": parts.plain_text(title),
        "submit": parts.plain_text(submit),
        "close": parts.plain_text("Cancel"),
        "private_metadata": metadata,
        "blocks": list(blocks),
    }


def intro(text: str) -> Block:
    """Build the gray lines above the fields."""
    return {"type": "context", "elements": [parts.plain_text(text)]}


def text_field(
    name: str,
    label: str,
    hint: str | None = None,
    *,
    value: str | None = None,
    optional: bool = False,
    most: int | None = None,
    multiline: bool | None = None,
    placeholder: str | None = None,
) -> Block:
    """Build a field for text. `name` becomes the block ID and the action ID."""
    element = parts.element(
        "plain_text_input",
        name,
        initial_value=value or None,
        max_length=most,
        multiline=multiline,
        placeholder=parts.plain_text(placeholder) if placeholder is not None else None,
    )
    return parts.field(name, label, element, hint, optional=optional)


def id_field(name: str, label: str, hint: str, *, value: str | None, optional: bool, has_list: bool = False) -> Block:
    """Build a field for an ID, which offers options while the person types if there is a list.

    `name` is the name of the parameter. A `value` that isn't like an ID needs a text field, because no option has it.
    """
    if has_list and (not value or is_id(value)):
        return parts.field(name, label, picker.element(name, value), hint, optional=optional)
    return text_field(name, label, hint, value=value, optional=optional, most=MAX_ID + 50)


def token_fields(hint: str, *, value: str | None, optional: bool, offer: Offer) -> list[Block]:
    """Build the field for a token ID, below a menu of recent IDs if there is no list of accounts."""
    recent_ids = () if offer.has_list else offer.recent_ids
    is_recent = value in recent_ids
    field = id_field(
        TOKEN_ID,
        "Token ID",
        hint,
        value=None if is_recent else value,
        optional=optional or bool(recent_ids),
        has_list=offer.has_list,
    )
    if not recent_ids:
        return [field]
    menu = choice("static_select", RECENT, {one: one for one in recent_ids}, value if is_recent else None)
    menu["placeholder"] = parts.plain_text("Choose one you used recently")
    return [parts.field(RECENT, "Recent token", menu, optional=True), field]


def choice(kind: str, action_id: str, labels: Mapping[str, str], chosen: str | None = None) -> Block:
    """Build an element for choosing one of several values by its label."""
    options = {value: parts.option(label, value) for value, label in labels.items()}
    initial = options[chosen] if chosen is not None else None
    return parts.element(kind, action_id, options=list(options.values()), initial_option=initial)


def read_text(values: FieldValues, name: str) -> str | None:
    """Return a field's text, typed or chosen, without characters that pasting adds around it. Returns None if empty."""
    option = selected(values, name, "selected_option")
    text = option.get("value") if isinstance(option, Mapping) else selected(values, name, "value")
    return (unwrap(text) or None) if isinstance(text, str) else None


def read_id(values: FieldValues, name: str, command: str) -> str | None:
    """Return the value of a field for an ID. `command` is the command in which a person can type it instead.

    Raises UnusableChoice for an option that represents a problem.
    """
    text = read_text(values, name)
    problem = picker.find_problem(name, text, command) if text else None
    if problem is not None:
        raise UnusableChoice(problem)
    return text


def read_token_id(values: FieldValues, command: str) -> str | None:
    """Return the token ID from either field. Raises UnusableChoice, also if the fields contain different IDs."""
    token_id, recent = read_id(values, TOKEN_ID, command), read_text(values, RECENT)
    if token_id is not None and recent is not None and token_id != recent:
        raise UnusableChoice("Choose a recent token or enter an ID, not both.")
    return token_id or recent


def read_ids(values: FieldValues, command: str) -> tuple[dict[str, str | TypedText], FieldErrors]:
    """Return the token ID, provider key, and app ID that are filled in, and the mistakes by field."""
    readers: Mapping[str, Callable[[], str | None]] = {
        TOKEN_ID: lambda: read_token_id(values, f"{command} ID"),
        PROVIDER_KEY: lambda: read_id(values, PROVIDER_KEY, f"{command} --provider-key KEY"),
        APP_ID: lambda: read_text(values, APP_ID),
    }
    given: dict[str, str | TypedText] = {}
    errors: FieldErrors = {}
    for name, read in readers.items():
        try:
            value = read()
            if value is not None:
                given[name] = check_id(name, value)
        except UnusableChoice as error:
            errors[name] = str(error)
        except InvalidParameter as error:
            errors[name] = error.problem
    return given, errors


def mistake(error: InvalidParameter) -> FieldErrors:
    """Return the mistake to show beside the field of a value that isn't an ID or a key."""
    if isinstance(error, PastedToken):
        return {error.name: error.problem}
    label = LABELS[error.name]
    return {error.name: f"That isn't {'an' if label.startswith('a') else 'a'} {label}. {error.problem}"}


def read_checked(values: FieldValues, name: str) -> set[str]:
    """Return the values of the selected checkboxes."""
    options = selected(values, name, "selected_options") or []
    return {str(option.get("value")) for option in options if isinstance(option, Mapping)}


def selected(values: FieldValues, name: str, key: str) -> Any:
    """Return a key of a field's state, such as `selected_users`, or None if the state doesn't have it."""
    return values.get(name, {}).get(name, {}).get(key)
