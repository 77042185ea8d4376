"""The person or process behind a request, and the workspaces that Extauth is installed in."""

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pydantic import SecretStr

_UNAMBIGUOUS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


class Unattended(StrEnum):
    """A trigger without a person: a schedule, or a command in the terminal.

    The audit log stores the value in place of a person's ID. The two can't be confused, because a person's ID has no
    lowercase letters.
    """

    SCHEDULE = "schedule"
    TERMINAL = "terminal"


UNATTENDED = frozenset(one.value for one in Unattended)
"""User IDs in the audit log that belong to no person."""


def new_reference() -> str:
    """Return a new reference ID that is short and easy to read aloud."""
    return "".join(_UNAMBIGUOUS[byte % len(_UNAMBIGUOUS)] for byte in secrets.token_bytes(8))


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or process behind one request. Messages and the log identify the request by its `reference`.

    `bot_token` is Extauth's in this person's workspace. `interaction` is the hash of Slack's payload, the same for each
    delivery. Only `without_person` sets `unattended`, so no payload can gain its permissions by a `user_id`. `app_id`
    is Extauth's own, if Slack said it.
    """

    user_id: str
    team_id: str | None
    enterprise_id: str | None
    bot_token: SecretStr = field(repr=False)
    reference: str
    interaction: str | None = None
    unattended: Unattended | None = None
    app_id: str | None = None

    @classmethod
    def without_person(cls, what: Unattended, workspace: "Workspace", bot_token: SecretStr) -> "Actor":
        """Return the actor for unattended work in a workspace. `access.decide_unattended` limits its operations."""
        enterprise_id = workspace.enterprise_id
        return cls(what.value, workspace.team_id, enterprise_id, bot_token, new_reference(), None, what)

    def step(self, name: str) -> "Actor":
        """Return this actor with the interaction key of one of several steps, so that each step runs once."""
        key = None
        if self.interaction is not None:
            key = hashlib.sha256(f"{self.interaction} {name}".encode()).hexdigest()
        return replace(self, interaction=key)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace that Extauth is installed in, or with `is_org_install` a whole Enterprise organization."""

    team_id: str
    enterprise_id: str | None = None
    is_org_install: bool = False

    @property
    def id(self) -> str:
        """The workspace's ID, or the organization's for an org-wide installation."""
        return self.enterprise_id if self.is_org_install and self.enterprise_id is not None else self.team_id

    @property
    def home(self) -> tuple[str | None, str | None]:
        """The workspace ID and organization ID by which to look up the installation."""
        return (None if self.is_org_install else self.team_id), self.enterprise_id

    def includes(self, team_id: str | None, enterprise_id: str | None) -> bool:
        """Return whether a request with these IDs comes from this workspace or organization."""
        if self.is_org_install:
            return bool(self.enterprise_id) and enterprise_id == self.enterprise_id
        return team_id == self.team_id


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation of Extauth in a workspace or organization, with its bot token."""

    workspace: Workspace
    bot_token: SecretStr = field(repr=False)
    bot_user_id: str | None = None
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RenewedToken:
    """The tokens that Slack returns for a refresh token, which works once. The bot token is valid for `seconds`."""

    bot_token: SecretStr = field(repr=False)
    refresh_token: SecretStr = field(repr=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class UserInfo:
    """Slack's data about a person, at most a minute old.

    `is_external`: the person belongs to another organization. `is_elsewhere`: the request comes from a workspace that
    Extauth isn't installed in, or that the person isn't a member of. `is_in_charge`: the person is an admin or owner
    of the workspace or, for an org-wide installation, of the whole organization. `teams` and `home` are set only for
    an org-wide installation: `teams` has the person's workspaces, as Slack reports them, and `home` is the one that
    Slack's admin and owner flags apply to. `groups` has the user groups in the allow lists that the person is in.
    `groups_unknown`: Slack didn't return the members of at least one group.
    """

    user_id: str
    is_admin: bool = False
    is_owner: bool = False
    is_guest: bool = False
    is_bot: bool = False
    is_deactivated: bool = False
    is_external: bool = False
    is_elsewhere: bool = False
    is_in_charge: bool = False
    teams: frozenset[str] = frozenset()
    home: str = ""
    groups: frozenset[str] = frozenset()
    groups_unknown: bool = False
