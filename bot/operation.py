"""Operations, and the permission each one needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self

from bot.ids import TypedText


class Permission(Enum):
    """A permission, granted by `EXTAUTH_<NAME>_ALLOW`, or for `APPROVE` by `EXTAUTH_DELETE_APPROVERS`.

    `SETTINGS` depends only on the person's standing in Slack, so that an allow list can't lock everyone out.
    """

    GET = "get"
    SHOW = "show"
    TEST = "test"
    DELETE = "delete"
    LIST = "list"
    CONNECT = "connect"
    HISTORY = "history"
    APPROVE = "approve"
    SETTINGS = "settings"


class Operation(Enum):
    """An operation of a request, with the permission that it needs. Buttons carry the value."""

    GET = "get", Permission.GET
    SHOW = "show", Permission.SHOW
    REFRESH = "refresh", Permission.GET
    TEST = "test", Permission.TEST
    DELETE = "delete", Permission.DELETE
    DELETE_MANY = "delete_many", Permission.DELETE
    LIST = "list", Permission.LIST
    CONNECT = "connect", Permission.CONNECT
    HISTORY = "history", Permission.HISTORY
    ASK_APPROVAL = "request", Permission.DELETE
    APPROVE = "approve", Permission.APPROVE
    DECLINE = "decline", Permission.APPROVE
    SETTINGS = "settings", Permission.SETTINGS

    permission: Permission
    action: str
    """The operation's name in the audit log, where a bulk deletion differs from others only by its parameters."""

    # The default is the strictest permission. Without a default, mypy would reject the lookup `Operation("get")`.
    def __new__(cls, name: str, permission: Permission = Permission.SETTINGS) -> Self:
        operation = object.__new__(cls)
        operation._value_ = name
        operation.permission = permission
        operation.action = "delete" if name == "delete_many" else name
        return operation


class Request(Protocol):
    """An actor's request for an operation, with its parameters."""

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
        """Return no parameters, because nothing is filled in yet."""
        return {}
