"""The parts of an explanation."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from bot.operation import Operation


class Who(Enum):
    """Who can fix it, as a sentence says it."""

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


Table = Mapping[tuple[str, Operation | None], Explanation]
"""Explanations by code and operation; None stands for any operation."""
