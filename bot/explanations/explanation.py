"""The parts of an explanation."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from bot.operation import Operation


class Who(Enum):
    """The person who can fix a failure, as a phrase. `EXTAUTH_CONTACT`, if set, replaces the phrase for `OPERATOR`."""

    YOU = "you"
    CONNECTOR = "the person who connected the account"
    DEVELOPER = "the developer of the app that owns the token"
    ADMIN = "a workspace admin"
    OPERATOR = "the person who runs Extauth"
    SLACK = "Slack"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A failure in plain words, as mrkdwn without text from outside.

    `retry` is True if the same request can succeed later, and `edit` is True if another value can succeed.
    """

    title: str
    happened: str
    to_do: str
    who: Who
    retry: bool = False
    edit: bool = False


API_TOKEN = "Set a token of the app that owns the accounts: `EXTAUTH_API_TOKEN`, or in *Settings…*."
"""Advice for a token without access. If Extauth serves many workspaces, each workspace can set its own token."""

Table = Mapping[tuple[str, Operation | None], Explanation]
"""Explanations by code and operation, or by code and None for any operation."""
