"""Operations, and the permission each one needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self

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
    """An operation that a request can have, and the permission it needs. Buttons and the audit log carry the value."""

    GET = "get", Permission.GET
    SHOW = "show", Permission.GET
    REFRESH = "refresh", Permission.GET
    TEST = "test", Permission.GET
    DELETE = "delete", Permission.DELETE
    DELETE_MANY = "delete_many", Permission.DELETE
    LIST = "list", Permission.LIST
    HISTORY = "history", Permission.HISTORY
    ASK_APPROVAL = "request", Permission.DELETE
    APPROVE = "approve", Permission.APPROVE
    DECLINE = "decline", Permission.APPROVE
    SETTINGS = "settings", Permission.SETTINGS

    permission: Permission
    action: str
    """The operation's name in the audit log. A bulk delete is a delete there: its parameters tell them apart."""

    # The default is the strictest. For mypy, it's also what makes `Operation("get")` a lookup.
    def __new__(cls, name: str, permission: Permission = Permission.SETTINGS) -> Self:
        operation = object.__new__(cls)
        operation._value_ = name
        operation.permission = permission
        operation.action = "delete" if name == "delete_many" else name
        return operation


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
