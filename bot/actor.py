"""Who is asking, and from where the bot is installed."""

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pydantic import SecretStr

_UNAMBIGUOUS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


class Unattended(StrEnum):
    """What acts without a person: a schedule, or a command in the terminal.

    The value stands in the audit log where a person's ID would. Slack's IDs have no lower case.
    """

    SCHEDULE = "schedule"
    TERMINAL = "terminal"


UNATTENDED = frozenset(one.value for one in Unattended)
"""The user IDs of the audit log that are no person's."""


def new_reference() -> str:
    """Return what identifies one thing that is done: short, and easy to read aloud."""
    return "".join(_UNAMBIGUOUS[byte % len(_UNAMBIGUOUS)] for byte in secrets.token_bytes(8))


@dataclass(frozen=True, slots=True)
class Actor:
    """A person doing one thing. `reference` identifies that one thing in the answer and in the log.

    `bot_token` is the bot's token in this person's workspace. `interaction` is the hash of Slack's payload, the same
    whenever Slack or anyone else delivers it. `unattended` is set by `without_person` only: no payload can set it, and
    `user_id` alone gives nothing.
    """

    user_id: str
    team_id: str | None
    enterprise_id: str | None
    bot_token: SecretStr = field(repr=False)
    reference: str
    interaction: str | None = None
    unattended: Unattended | None = None

    @classmethod
    def without_person(cls, what: Unattended, workspace: "Workspace", bot_token: SecretStr) -> "Actor":
        """Return what acts by itself in a workspace. What it may do is in `access.decide_unattended`."""
        enterprise_id = workspace.enterprise_id
        return cls(what.value, workspace.team_id, enterprise_id, bot_token, new_reference(), None, what)

    def step(self, name: str) -> "Actor":
        """Return the person doing one step of several, each of which is run once."""
        key = None
        if self.interaction is not None:
            key = hashlib.sha256(f"{self.interaction} {name}".encode()).hexdigest()
        return replace(self, interaction=key)


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the bot is installed: one workspace, or with `is_org_install` a whole Enterprise organization."""

    team_id: str
    enterprise_id: str | None = None
    is_org_install: bool = False

    @property
    def id(self) -> str:
        """What tells it from others: the workspace's ID, or the organization's where all of it is meant."""
        return self.enterprise_id if self.is_org_install and self.enterprise_id is not None else self.team_id

    @property
    def home(self) -> tuple[str | None, str | None]:
        """The workspace and the organization that a request from there has."""
        return (None if self.is_org_install else self.team_id), self.enterprise_id

    def includes(self, team_id: str | None, enterprise_id: str | None) -> bool:
        """Return whether a request of this workspace and organization comes from where the bot is installed."""
        if self.is_org_install:
            return bool(self.enterprise_id) and enterprise_id == self.enterprise_id
        return team_id == self.team_id


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the bot is installed, and the token it has there."""

    workspace: Workspace
    bot_token: SecretStr = field(repr=False)
    bot_user_id: str | None = None
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RenewedToken:
    """What Slack gives for a refresh token, which is used up by it. `seconds` is how long the new token is good."""

    bot_token: SecretStr = field(repr=False)
    refresh_token: SecretStr = field(repr=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class UserInfo:
    """What Slack says about a person, at most a minute ago. An owner counts as an admin.

    `is_external` means they belong to another organization, `is_elsewhere` that their request comes from a workspace
    where the bot isn't installed, or that they aren't a member of. `is_in_charge` means an admin or owner of where the
    bot is installed: of the whole organization, for an org-wide installation, and only there `teams` are the workspaces
    that they are a member of, as far as Slack says so, and `home` is the one that Slack's flags are about. `groups` are
    the user groups of the allow lists that the person is in; `groups_unknown` means Slack didn't say.
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
