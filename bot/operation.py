"""Operations, and the permission each one needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, assert_never

from bot.ids import TypedText


class Permission(Enum):
    """A permission, granted by `EXTAUTH_<NAME>_ALLOW`; `APPROVE` by `EXTAUTH_DELETE_APPROVERS`.

    `SETTINGS` has no list, which someone could empty: it's granted by the person's standing in Slack alone.
    """

    GET = "get"
    DELETE = "delete"
    LIST = "list"
    HISTORY = "history"
    APPROVE = "approve"
    SETTINGS = "settings"


class Operation(Enum):
    """An operation that a request can have. Buttons and the audit log carry the value."""

    GET = "get"
    SHOW = "show"
    REFRESH = "refresh"
    TEST = "test"
    DELETE = "delete"
    DELETE_MANY = "delete_many"
    LIST = "list"
    HISTORY = "history"
    ASK_APPROVAL = "request"
    APPROVE = "approve"
    DECLINE = "decline"
    SETTINGS = "settings"

    @property
    def permission(self) -> Permission:
        match self:
            case Operation.GET | Operation.SHOW | Operation.REFRESH | Operation.TEST:
                return Permission.GET
            case Operation.DELETE | Operation.DELETE_MANY | Operation.ASK_APPROVAL:
                return Permission.DELETE
            case Operation.LIST:
                return Permission.LIST
            case Operation.APPROVE | Operation.DECLINE:
                return Permission.APPROVE
            case Operation.HISTORY:
                return Permission.HISTORY
            case Operation.SETTINGS:
                return Permission.SETTINGS
            case _:
                assert_never(self)

    @property
    def action(self) -> str:
        """The operation's name in the audit log. A bulk delete is a delete there: its parameters tell them apart."""
        return "delete" if self is Operation.DELETE_MANY else self.value


class Request(Protocol):
    """A person's request: an operation and its parameters."""

    @property
    def operation(self) -> Operation: ...

    def arguments(self) -> Mapping[str, str | TypedText | bool]:
        """Return exactly the given parameters, by API name."""
        ...


@dataclass(frozen=True, slots=True)
class OpenForm:
    """A request to open an operation's empty form."""

    operation: Operation

    def arguments(self) -> Mapping[str, str | TypedText | bool]:
        """Return no parameters: nothing is filled in yet."""
        return {}
