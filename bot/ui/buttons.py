"""The buttons of messages and result dialogs: their ids, and the request each carries.

A click sends the value back from outside, so it is read as strictly as typed text.
"""

import json
from dataclasses import dataclass
from enum import Enum

from slack_sdk.models.blocks import ButtonElement

from bot.external_auth.models import DeleteTokens, GetToken, InvalidParameter


class Button(Enum):
    """An `action_id` and what the button says."""

    SHOW = "token_show", "Show token"
    REFRESH = "token_refresh", "Force refresh"
    DELETE = "token_delete", "Delete…"
    TRY_AGAIN = "try_again", "Try again"

    def __init__(self, action_id: str, label: str) -> None:
        self.action_id = action_id
        self.label = label


class Deed(Enum):
    """What a button's request is for."""

    GET = "get"
    SHOW = "show"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Errand:
    """What a click asks for."""

    deed: Deed
    request: GetToken | DeleteTokens


class UnreadableValue(ValueError):
    """A button's value that this bot did not write, or wrote in an older version."""


def build(button: Button, errand: Errand) -> ButtonElement:
    """The button that asks for `errand`."""
    value = json.dumps({"do": errand.deed.value, **errand.request.arguments()}, separators=(",", ":"))
    style = "danger" if button is Button.DELETE else None
    return ButtonElement(text=button.label, action_id=button.action_id, value=value, style=style)


def read(value: object) -> Errand:
    """The errand that a button's value asks for. Raises UnreadableValue."""
    try:
        arguments = json.loads(value) if isinstance(value, str) else None
        if not isinstance(arguments, dict):
            raise UnreadableValue("The button's value is not an object.")
        deed = Deed(arguments.pop("do", None))
        request = DeleteTokens(**arguments) if deed is Deed.DELETE else GetToken(**arguments)
    except (InvalidParameter, TypeError, ValueError, RecursionError):
        raise UnreadableValue("The button's value is not one of this bot's.") from None
    return Errand(deed, request)
