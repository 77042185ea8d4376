"""What can be done, and the permission each operation needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, assert_never

from bot.ids import TypedText


class Permission(Enum):
    """What an allow list grants. `EXTAUTH_<NAME>_ALLOW` is its setting; `APPROVE` has `EXTAUTH_DELETE_APPROVERS`.

    `SETTINGS` has no list, which somebody could empty: it's granted by what Slack says of a person alone.
    """

    GET = "get"
    DELETE = "delete"
    LIST = "list"
    HISTORY = "history"
    APPROVE = "approve"
    SETTINGS = "settings"


class Operation(Enum):
    """What a request does. The value is what buttons and the audit log carry."""

    GET = "get"
    SHOW = "show"
    REFRESH = "refresh"
    TEST = "test"
    DELETE = "delete"
    DELETE_MANY = "delete_many"
    LIST = "list"
    HISTORY = "history"
    REQUEST = "request"
    APPROVE = "approve"
    DECLINE = "decline"
    SETTINGS = "settings"

    @property
    def permission(self) -> Permission:
        """The permission that a person needs for it."""
        match self:
            case Operation.GET | Operation.SHOW | Operation.REFRESH | Operation.TEST:
                return Permission.GET
            case Operation.DELETE | Operation.DELETE_MANY | Operation.REQUEST:
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
        """Its name in the audit log, where a bulk delete is a delete: its parameters tell them apart."""
        return "delete" if self is Operation.DELETE_MANY else self.value


class Request(Protocol):
    """What a person asks for: an operation and its parameters."""

    @property
    def operation(self) -> Operation:
        """What is to be done."""
        ...

    def arguments(self) -> Mapping[str, str | TypedText | bool]:
        """Return the parameters by API name: exactly those that were given."""
        ...


@dataclass(frozen=True, slots=True)
class OpenForm:
    """Open an operation's empty form."""

    operation: Operation

    def arguments(self) -> Mapping[str, str | TypedText | bool]:
        """Return no parameters: nothing is filled in yet."""
        return {}
