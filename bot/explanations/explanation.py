"""The parts of an explanation."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from bot.operation import Operation


class Who(Enum):
    """The person who can fix it, as a sentence says it. `OPERATOR` means `EXTAUTH_CONTACT` if that is set."""

    YOU = "you"
    CONNECTOR = "the person who connected the account"
    DEVELOPER = "the developer of the app that owns the token"
    ADMIN = "a workspace admin"
    OPERATOR = "the person who runs Extauth"
    SLACK = "Slack"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A failure in plain words: Extauth's texts, in Slack's mrkdwn.

    `retry` says that the same request can succeed without any change; `edit`, that another value can.
    """

    title: str
    happened: str
    to_do: str
    who: Who
    retry: bool = False
    edit: bool = False


API_TOKEN = "Give Extauth a token of the app that owns it: App Home, *Settings…*, or `EXTAUTH_API_TOKEN`."
"""Advice on a token without access. If many workspaces are served, each has its own token."""

Table = Mapping[tuple[str, Operation | None], Explanation]
"""Explanations by code and operation; None means any operation."""
