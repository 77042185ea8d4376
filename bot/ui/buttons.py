"""The buttons of messages and result modals: their IDs, and the request each carries.

A click sends the value back from outside, so it is read as strictly as typed text.
"""

import json
from collections.abc import Mapping
from enum import Enum
from typing import assert_never

from bot.access import Decision
from bot.operation import Operation, Permission
from bot.pasted import is_id
from bot.slack.external_auth.models import DeleteTokens, GetToken, InvalidParameter, TokenRequest
from bot.ui import parts


class Button(Enum):
    """An `action_id` and what the button says."""

    SHOW = "token_show", "Show token"
    REFRESH = "token_refresh", "Force refresh"
    DELETE = "token_delete", "Delete…"
    RETRY = "try_again", "Try again"
    EDIT = "edit_request", "Edit…"

    def __init__(self, action_id: str, label: str) -> None:
        self.action_id = action_id
        self.label = label


class UnreadableValue(ValueError):
    """A button's value that this bot didn't write, or wrote in an older version."""


_FORM_BUTTONS = {
    Permission.GET: ("open_get", "Get a token…"),
    Permission.DELETE: ("open_delete", "Delete tokens…"),
}
"""The `action_id` and label of the button that opens a form, by the permission it needs."""
OPEN_GET, OPEN_DELETE = (_FORM_BUTTONS[permission][0] for permission in (Permission.GET, Permission.DELETE))


def form_buttons(permissions: Mapping[Permission, Decision]) -> list[parts.Block]:
    """Build a row of buttons that open the forms this person may use; nothing when there are none."""
    allowed = [form for permission, form in _FORM_BUTTONS.items() if permissions[permission].allowed]
    elements = [parts.button(label, action_id) for action_id, label in allowed]
    return [parts.actions(*elements)] if elements else []


def can_carry(request: TokenRequest) -> bool:
    """Return whether a button may hold the request: one with a value that isn't an ID has to be typed again."""
    return all(is_id(value) for value in request.arguments().values() if isinstance(value, str))


def build(button: Button, request: TokenRequest) -> parts.Block:
    """Build the button that asks for `request`."""
    value = json.dumps({"do": request.operation.action, **request.arguments()}, separators=(",", ":"))
    style = "danger" if button is Button.DELETE else None
    return parts.button(button.label, button.action_id, value, style)


def read_get(value: object) -> GetToken:
    """Read a button's value that must ask for a token. Raises UnreadableValue."""
    request = read(value)
    if not isinstance(request, GetToken):
        raise UnreadableValue("The button's value doesn't ask for a token.")
    return request


def read_delete(value: object) -> DeleteTokens:
    """Read a button's value that must ask for a deletion. Raises UnreadableValue."""
    request = read(value)
    if not isinstance(request, DeleteTokens):
        raise UnreadableValue("The button's value doesn't ask for a deletion.")
    return request


def read(value: object) -> TokenRequest:
    """Read the request that a button's value asks for. Raises UnreadableValue."""
    try:
        arguments = json.loads(value) if isinstance(value, str) else None
        if not isinstance(arguments, dict):
            raise UnreadableValue("The button's value isn't an object.")
        operation = Operation(arguments.pop("do", None))
        match operation:
            case Operation.DELETE:
                return DeleteTokens(**arguments)
            case Operation.GET | Operation.REFRESH:
                return GetToken(**arguments)
            case Operation.SHOW:
                return GetToken(**arguments, show=True)
            case Operation.DELETE_MANY | Operation.HISTORY:
                raise UnreadableValue("No button asks for this operation.")
            case _:
                assert_never(operation)
    except (InvalidParameter, TypeError, ValueError, RecursionError):
        raise UnreadableValue("The button's value isn't one of this bot's.") from None
