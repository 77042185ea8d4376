"""Who may do what: a person's standing and a list, to a decision with its reason. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

_USER_ID = re.compile(r"[UW][A-Z0-9]{2,}", re.ASCII)
_GROUP_ID = re.compile(r"S[A-Z0-9]{2,}", re.ASCII)
_ROLES = ("admins", "owners", "members")


class Action(Enum):
    """What a person can be allowed, by the subcommand's name."""

    GET = "get"
    DELETE = "delete"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Standing:
    """What Slack says of a person, at most a minute ago. An owner counts as an admin.

    `groups` are those user groups of the lists that the person is in; `groups_unknown` says that Slack did not tell.
    """

    user_id: str
    is_admin: bool = False
    is_owner: bool = False
    is_guest: bool = False
    is_bot: bool = False
    is_deactivated: bool = False
    is_external: bool = False
    groups: frozenset[str] = frozenset()
    groups_unknown: bool = False


@dataclass(frozen=True, slots=True)
class AllowList:
    """Whom a list lets in: roles, single people, and user groups."""

    roles: frozenset[str]
    users: frozenset[str]
    groups: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> "AllowList":
        """Read the entries of a setting: `admins`, `owners`, `members`, user ids, group ids. Raises ValueError."""
        roles, users, groups = set(), set(), set()
        for entry in entries:
            if entry.lower() in _ROLES:
                roles.add(entry.lower())
            elif _USER_ID.fullmatch(entry):
                users.add(entry)
            elif _GROUP_ID.fullmatch(entry):
                groups.add(entry)
            else:
                raise ValueError(
                    f"“{entry}” is not one of {', '.join(_ROLES)}, nor a user id such as U012ABCDEF, nor the id of a "
                    "user group such as S012ABCDEF."
                )
        if not roles and not users and not groups:
            raise ValueError("the list is empty, so that nobody would be allowed.")
        return cls(frozenset(roles), frozenset(users), frozenset(groups))


class Reason(Enum):
    """Why a decision is what it is."""

    NAMED = "named"
    GROUP = "group"
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"
    BOT = "bot"
    DEACTIVATED = "deactivated"
    EXTERNAL = "external"
    NOT_LISTED = "not listed"
    UNKNOWN = "standing unknown"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it is allowed, why, and by which list, which also says who could help."""

    allowed: bool
    reason: Reason
    action: Action
    allow: AllowList


def decide(standing: Standing | None, action: Action, allow: AllowList) -> Decision:
    """Decide on the person's present standing; None means that Slack could not say, which denies.

    Guests, bots, deactivated and external people are refused even where a list names them.
    """
    reason = _exclusion(standing)
    if reason is not None or standing is None:
        return Decision(False, reason or Reason.UNKNOWN, action, allow)
    reason = _admission(standing, allow)
    if reason is None and allow.groups and standing.groups_unknown:
        return Decision(False, Reason.UNKNOWN, action, allow)
    return Decision(reason is not None, reason or Reason.NOT_LISTED, action, allow)


def _exclusion(standing: Standing | None) -> Reason | None:
    if standing is None:
        return Reason.UNKNOWN
    exclusions = (
        (standing.is_deactivated, Reason.DEACTIVATED),
        (standing.is_bot, Reason.BOT),
        (standing.is_external, Reason.EXTERNAL),
        (standing.is_guest, Reason.GUEST),
    )
    return next((reason for excluded, reason in exclusions if excluded), None)


def _admission(standing: Standing, allow: AllowList) -> Reason | None:
    admissions = (
        (standing.user_id in allow.users, Reason.NAMED),
        (bool(standing.groups & allow.groups), Reason.GROUP),
        ("owners" in allow.roles and standing.is_owner, Reason.OWNER),
        ("admins" in allow.roles and (standing.is_admin or standing.is_owner), Reason.ADMIN),
        ("members" in allow.roles, Reason.MEMBER),
    )
    return next((reason for admitted, reason in admissions if admitted), None)
