"""Reading what was filled in, and the form of a field that asks for an id."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.models.blocks import InputBlock, PlainTextInputElement

from bot.pasted import unwrap
from bot.slack.external_auth.models import MAX_ID

Values = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""`view.state.values`: what is filled in, by block id and action id."""

FieldErrors = dict[str, str]
"""What is wrong, by block id, for Slack to show beside the field."""


def id_field(name: str, label: str, hint: str, *, value: str | None, optional: bool) -> InputBlock:
    """Build a field for an ID. Its block ID and action ID are the parameter's name."""
    return InputBlock(
        block_id=name,
        label=label,
        hint=hint,
        optional=optional,
        element=PlainTextInputElement(action_id=name, initial_value=value or None, max_length=MAX_ID + 50),
    )


def read_text(values: Values, name: str) -> str | None:
    """Return what a text field holds, without what a paste wraps around it; None when it is empty."""
    text = values.get(name, {}).get(name, {}).get("value")
    return (unwrap(text) or None) if isinstance(text, str) else None


def read_checked(values: Values, name: str) -> set[str]:
    """Return the checkboxes that are ticked."""
    options = values.get(name, {}).get(name, {}).get("selected_options") or []
    return {str(option.get("value")) for option in options if isinstance(option, Mapping)}


def read_chosen(values: Values, name: str) -> str | None:
    """Return the radio button that is chosen."""
    option = values.get(name, {}).get(name, {}).get("selected_option")
    return str(option.get("value")) if isinstance(option, Mapping) else None
