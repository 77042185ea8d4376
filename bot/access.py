"""Decisions on permissions and approvals, made without I/O."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from operator import attrgetter

from bot.actor import UserInfo
from bot.ids import GROUP_ID, USER_ID
from bot.operation import Operation, Permission

_ROLES = ("admins", "owners", "members")
_UNATTENDED = frozenset({Operation.LIST, Operation.TEST})
"""Operations that run without a person. They neither show a token nor change anything in Slack."""
APPROVAL_SECONDS = 3600.0
"""Seconds an approver has to approve a deletion."""


@dataclass(frozen=True, slots=True)
class AllowList:
    """The roles, people, and user groups that have a permission."""

    roles: frozenset[str]
    users: frozenset[str]
    groups: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> "AllowList":
        """Parse the entries of a setting: roles, user IDs, group IDs, or just one word for none. Raises ValueError."""
        given = [*entries]
        if [entry.lower() for entry in given] == ["nobody"]:
            return NOBODY
        roles, users, groups = set(), set(), set()
        for entry in given:
            if entry.lower() in _ROLES:
                roles.add(entry.lower())
            elif USER_ID.fullmatch(entry):
                users.add(entry)
            elif GROUP_ID.fullmatch(entry):
                groups.add(entry)
            else:
                raise ValueError(
                    f"“{entry}” isn't one of {', '.join(_ROLES)}, a user ID such as U012ABCDEF, or a user group ID "
                    "such as S012ABCDEF. For an empty list, write only `nobody`."
                )
        if not roles and not users and not groups:
            raise ValueError("the list is empty. If nobody is to have permission, write `nobody`.")
        return cls(frozenset(roles), frozenset(users), frozenset(groups))


NOBODY = AllowList(frozenset(), frozenset())


class Reason(Enum):
    """Reasons to grant or deny a permission."""

    NAMED = "named"
    GROUP = "group"
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"
    BOT = "bot"
    DEACTIVATED = "deactivated"
    EXTERNAL = "external"
    NOT_INSTALLED = "not installed"
    NOT_LISTED = "not listed"
    UNKNOWN = "standing unknown"
    UNATTENDED = "unattended"


_EXCLUDED: Mapping[Reason, Callable[[UserInfo], bool]] = {
    Reason.NOT_INSTALLED: attrgetter("is_elsewhere"),
    Reason.DEACTIVATED: attrgetter("is_deactivated"),
    Reason.BOT: attrgetter("is_bot"),
    Reason.EXTERNAL: attrgetter("is_external"),
    Reason.GUEST: attrgetter("is_guest"),
}
"""Reasons to deny every permission, regardless of the allow lists."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A granted or denied permission, with the reason and the allow list, whose people can help someone denied."""

    allowed: bool
    reason: Reason
    permission: Permission
    allow: AllowList


def decide(user: UserInfo | None, permission: Permission, allow: AllowList) -> Decision:
    """Decide on a permission by the person's current standing in Slack, and deny it if that isn't known (None).

    Guests, bots, deactivated and external people are denied even if a list names them.
    """
    excluded = next((reason for reason, is_so in _EXCLUDED.items() if user is not None and is_so(user)), None)
    if user is None or excluded is not None:
        return Decision(False, excluded or Reason.UNKNOWN, permission, allow)
    for reason, is_so in (
        (Reason.NAMED, user.user_id in allow.users),
        (Reason.GROUP, bool(user.groups & allow.groups)),
        (Reason.OWNER, "owners" in allow.roles and user.is_owner),
        (Reason.ADMIN, "admins" in allow.roles and (user.is_admin or user.is_owner)),
        (Reason.MEMBER, "members" in allow.roles),
    ):
        if is_so:
            return Decision(True, reason, permission, allow)
    is_unknown = bool(allow.groups) and user.groups_unknown
    return Decision(False, Reason.UNKNOWN if is_unknown else Reason.NOT_LISTED, permission, allow)


def decide_settings(user: UserInfo | None) -> Decision:
    """Decide on changing the settings by the person's standing in Slack alone, so that no list locks everyone out."""
    allow = AllowList(frozenset({"admins"}), frozenset())
    decision = decide(user, Permission.SETTINGS, allow)
    if user is None or decision.reason in _EXCLUDED:
        return decision
    standing = Reason.OWNER if user.is_owner else Reason.ADMIN
    return Decision(user.is_in_charge, standing if user.is_in_charge else Reason.NOT_LISTED, Permission.SETTINGS, allow)


def decide_unattended(operation: Operation) -> Decision:
    """Decide on an operation that runs unattended. The allow lists don't apply, because they name only people."""
    return Decision(operation in _UNATTENDED, Reason.UNATTENDED, operation.permission, NOBODY)


class ApprovalPolicy(StrEnum):
    """The values of `EXTAUTH_DELETE_APPROVAL`."""

    OFF = "off"
    BULK = "bulk"
    ALL = "all"

    def covers(self, *, is_bulk: bool) -> bool:
        """Return whether a deletion needs approval. `is_bulk` means it can delete more than one token."""
        return self is ApprovalPolicy.ALL or (self is ApprovalPolicy.BULK and is_bulk)
