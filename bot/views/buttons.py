"""The buttons of messages and modals with results: their IDs, and the request in each button's value.

A click sends the value back from outside, so it is parsed as strictly as typed text.
"""

import json
from collections.abc import Container, Mapping, Sequence
from enum import Enum
from typing import TypeVar

from bot.access import Decision
from bot.audit.entries import DEFAULT_HISTORY, ReadHistory
from bot.ids import TypedText, is_id
from bot.operation import Operation, Permission
from bot.slack.external_auth.models import (
    TOKEN_REQUESTS,
    CheckToken,
    ConnectAccount,
    DeleteTokens,
    GetToken,
    InvalidParameter,
    ListAccounts,
    ListPosition,
    TokenRequest,
)
from bot.views import parts

RequestType = TypeVar("RequestType", bound=TokenRequest)
_KINDS: Mapping[object, type[TokenRequest]] = {
    operation.action: kind for kind in TOKEN_REQUESTS for operation in kind.operations
}
"""The class of each request, by the operation's name in a button's value."""


class Button(Enum):
    """The `action_id` and the label of a button."""

    SHOW = "token_show", "Show token"
    REFRESH = "token_refresh", "Force refresh"
    DELETE = "token_delete", "Delete…"
    RETRY = "try_again", "Try again"
    EDIT = "edit_request", "Edit…"
    OLDER = "list_older", "Older"
    NEWER = "list_newer", "Newer"
    RECONNECT = "reconnect", "Reconnect…"

    def __init__(self, action_id: str, label: str) -> None:
        self.action_id = action_id
        self.label = label


class UnreadableValue(ValueError):
    """A button's value that this version of Extauth didn't write."""


MENU = "account_menu"
"""The `action_id` of the menu beside a connected account."""

SUGGESTION = "suggested_command"
"""The `action_id` of the button that runs a suggested command. Its value is parsed as strictly as typed text."""

_FORM_BUTTONS = {
    Permission.GET: ("open_get", "Get a token…"),
    Permission.DELETE: ("open_delete", "Delete tokens…"),
}
"""The `action_id` and the label of each button that opens a form, by the permission it needs."""
OPEN_TEST, OPEN_CLEANUP = "open_test", "open_cleanup"
OPEN_CONNECT = "open_connect"
RECONNECT = parts.button(Button.RECONNECT.label, OPEN_CONNECT)
"""The button that leads to the form for connecting an account, which asks for the provider."""
OPEN_LIST, OPEN_HISTORY, OPEN_SETTINGS = "open_list", "open_history", "open_settings"
_MORE = {
    Permission.LIST: (OPEN_LIST, "List accounts"),
    Permission.CONNECT: (OPEN_CONNECT, "Connect…"),
    Permission.HISTORY: (OPEN_HISTORY, "Audit log"),
    Permission.SETTINGS: (OPEN_SETTINGS, "Settings…"),
}
"""The `action_id` and the label of each other button in the App Home, by the permission it needs."""
_PLACES = {"older_than", "newer_than"}
OPEN_GET, OPEN_DELETE = (_FORM_BUTTONS[permission][0] for permission in (Permission.GET, Permission.DELETE))


def open_buttons(permissions: Mapping[Permission, Decision], *, forms_only: bool = False) -> list[parts.Block]:
    """Build a row of buttons for all allowed operations, or only for Get and Delete. It's empty if none is allowed."""
    allowed = {permission for permission, decision in permissions.items() if decision.allowed}
    elements = [parts.button(label, action_id) for one, (action_id, label) in _FORM_BUTTONS.items() if one in allowed]
    if not forms_only:
        elements += of_several(allowed)
        elements += [parts.button(label, action_id) for one, (action_id, label) in _MORE.items() if one in allowed]
    return [parts.actions(*elements)] if elements else []


def of_several(allowed: Container[Permission], shown: Sequence[str] = ()) -> list[parts.Block]:
    """Build the buttons for allowed operations on several accounts. `shown` are the accounts' token IDs."""
    built = [parts.button("Test…", OPEN_TEST)] if Permission.TEST in allowed else []
    if Permission.DELETE in allowed:
        carried = json.dumps([*shown], separators=(",", ":"))
        value = carried if len(carried) <= parts.MAX_VALUE else "[]"
        built.append(parts.button("Delete several…", OPEN_CLEANUP, value))
    return built


def read_shown(value: object) -> Sequence[str]:
    """Return the token IDs in a button's value, which are empty without a list. Raises UnreadableValue."""
    try:
        shown = json.loads(value) if isinstance(value, str) else []
    except (ValueError, RecursionError):
        shown = None
    if not isinstance(shown, list) or not all(isinstance(token_id, str) and is_id(token_id) for token_id in shown):
        raise UnreadableValue("The button's value isn't one of this bot's.")
    return shown


def suggestion(command: str, arguments: str, *, asks_first: bool) -> parts.Block:
    """Build the button for `command` with its `arguments`. With `asks_first`, a form or a confirmation opens."""
    label = "Continue" if asks_first else "Run it"
    spoken = f"{label}: {command} {arguments}"
    return parts.button(f"{label}…" if asks_first else label, SUGGESTION, arguments, spoken=spoken)


def can_carry(request: TokenRequest) -> bool:
    """Return whether a button may contain the request. Slack mustn't store text that isn't an ID and may be secret."""
    return not any(isinstance(value, TypedText) for value in request.arguments().values())


def build(button: Button, request: TokenRequest) -> parts.Block:
    style = "danger" if button is Button.DELETE else None
    return parts.button(button.label, button.action_id, _value(request), style)


def reconnect(provider_key: str | None, token_id: str | TypedText | None = None) -> parts.Block:
    """Build the button that leads to the provider's page, or to a form if the provider isn't known or no valid key."""
    try:
        request = ConnectAccount(provider_key or "", None, token_id)
    except InvalidParameter:
        return RECONNECT
    return build(Button.RECONNECT, request) if can_carry(request) else RECONNECT


def account_menu(token_id: str, allowed: Container[Permission]) -> parts.Block | None:
    """Build the overflow menu of allowed operations on an account's token. Returns None if none is allowed."""
    items: tuple[tuple[str, TokenRequest | ReadHistory], ...] = (
        ("Get", GetToken(token_id)),
        (Button.REFRESH.label, GetToken(token_id, force_refresh=True)),
        ("Test", CheckToken(token_id)),
        ("History", ReadHistory(DEFAULT_HISTORY, external_token_id=token_id)),
        (Button.DELETE.label, DeleteTokens(token_id)),
    )
    options = [
        parts.option(label, _value(request)) for label, request in items if request.operation.permission in allowed
    ]
    return parts.element("overflow", MENU, options=options) if options else None


def _value(request: TokenRequest | ReadHistory) -> str:
    """Return the value of a button or menu, with the request and, for a list, the page."""
    places = {}
    if isinstance(request, ListAccounts):
        named = {"older_than": request.older_than, "newer_than": request.newer_than}
        places = {name: place.write() for name, place in named.items() if place is not None}
    carried = {"do": request.operation.action, **request.arguments(), **places}
    # Slack has returned or listed this token, so even text in an unknown format is an ID here, not a secret.
    return json.dumps(carried, separators=(",", ":"), default=TypedText.reveal)


def read_as(kind: type[RequestType], value: object) -> RequestType:
    """Return the request in a button's value. Raises UnreadableValue, also for a request of another kind."""
    request = read(value)
    if not isinstance(request, kind):
        raise UnreadableValue("The button's value asks for something else.")
    return request


def read_menu(value: object) -> TokenRequest | ReadHistory:
    """Return the choice from an account's menu. Raises UnreadableValue."""
    request = _read(value)
    if isinstance(request, ListAccounts) or (isinstance(request, ReadHistory) and not request.external_token_id):
        raise UnreadableValue("The menu's value isn't about an account.")
    return request


def read(value: object) -> TokenRequest:
    """Return the request in a button's value. Raises UnreadableValue."""
    request = _read(value)
    if isinstance(request, ReadHistory):
        raise UnreadableValue("No button asks for this operation.")
    return request


def _read(value: object) -> TokenRequest | ReadHistory:
    try:
        arguments = json.loads(value) if isinstance(value, str) else None
        if not isinstance(arguments, dict):
            raise UnreadableValue("The button's value isn't an object.")
        do = arguments.pop("do", None)
        if do == Operation.HISTORY.action:
            return ReadHistory(DEFAULT_HISTORY, **arguments)
        if do == Operation.SHOW.action:
            return GetToken(**arguments, show=True)
        places = {name: ListPosition.read(arguments[name]) for name in _PLACES & arguments.keys()}
        if "stale_days" in arguments:
            arguments["stale_days"] = int(arguments["stale_days"])
        return _KINDS[do](**{**arguments, **places})
    except (KeyError, TypeError, ValueError, RecursionError):
        raise UnreadableValue("The button's value isn't one of this bot's.") from None
