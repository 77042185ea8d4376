"""The channels of the simulated workspace, and the messages that everyone in a channel sees."""

from dataclasses import dataclass
from typing import Any

CHANNEL = "C0GENERAL"
AUDIT_CHANNEL = "C0AUDIT"
DIRECT = "D0EXTAUTH"
BOT = "U0EXTAUTH"


@dataclass(frozen=True)
class Channel:
    """A channel. Guests see it only if it's open to guests."""

    channel_id: str
    name: str
    topic: str
    is_open_to_guests: bool = True


CHANNELS = (
    Channel(CHANNEL, "general", "Type /extauth to talk to the bot"),
    Channel(AUDIT_CHANNEL, "audit", "Where Extauth says what was done, and by whom", is_open_to_guests=False),
)


@dataclass(frozen=True)
class Post:
    """A message that everyone in the channel sees. `edits` is the number of changes to the message."""

    ts: str
    channel: str
    author: str
    text: str
    blocks: list[dict[str, Any]]
    edits: int = 0


@dataclass(frozen=True)
class TypedCommand:
    """A command as a person typed it, which only that person sees."""

    ts: str
    channel: str
    user_id: str
    line: str
