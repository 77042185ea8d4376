"""Who is asking."""

from dataclasses import dataclass, field

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Actor:
    """A person doing one thing. `reference` identifies that one thing in the answer and in the log.

    `bot_token` is the bot's token in this person's workspace.
    """

    user_id: str
    team_id: str | None
    enterprise_id: str | None
    bot_token: SecretStr = field(repr=False)
    reference: str


@dataclass(frozen=True, slots=True)
class UserInfo:
    """What Slack says about a person, at most a minute ago. An owner counts as an admin.

    `groups` are the user groups of the allow lists that the person is in; `groups_unknown` means Slack didn't say.
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
