"""What an explanation consists of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Asked(Enum):
    """What Slack was asked, as far as it changes what an error means."""

    GET = "get"
    REFRESH = "refresh"
    DELETE_ONE = "delete one"
    DELETE_MANY = "delete many"

    @property
    def general(self) -> "Asked":
        """The plainer question this one is a kind of."""
        return {Asked.REFRESH: Asked.GET, Asked.DELETE_MANY: Asked.DELETE_ONE}.get(self, self)


class Who(Enum):
    """Who can mend it, as a sentence says it."""

    YOU = "you"
    CONNECTOR = "whoever connected the account"
    DEVELOPER = "the developer of the app the token belongs to"
    ADMIN = "a workspace admin"
    OPERATOR = "whoever runs this bot"
    SLACK = "Slack; it usually passes by itself"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A failure in plain words: texts are ours, in Slack's mrkdwn.

    `retry` says that the same request can succeed without anybody changing anything.
    """

    title: str
    happened: str
    to_do: str
    who: Who
    retry: bool = False


Table = Mapping[tuple[str, Asked | None], Explanation]
"""Explanations by code and what was asked; None stands for whatever was asked."""
