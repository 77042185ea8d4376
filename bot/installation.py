"""Where the bot is installed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import SecretStr

from bot.actor import Workspace


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


class Installations(Protocol):
    """Everywhere the bot is installed."""

    async def find(self, team_id: str | None, enterprise_id: str | None) -> Installation | None:
        """Return the workspace's own installation, else its organization's; None where there is neither.

        It was read at most 15 seconds ago, and a token that's about to expire has been refreshed. Raises DatabaseError.
        """
        ...

    async def all(self) -> Sequence[Installation]:
        """Return every installation, for work that nobody asked for. Raises DatabaseError."""
        ...

    def forget(self, team_id: str | None, enterprise_id: str | None) -> None:
        """Read it again the next time, because it has changed."""
        ...


class InstallationStore(Installations, Protocol):
    """Everywhere the bot is installed, where that can change: many workspaces."""

    async def remove(self, installation: Installation) -> bool:
        """Remove one that Slack no longer knows. Returns whether it was still that one. Raises DatabaseError."""
        ...

    async def close(self) -> None:
        """Wait for the tokens that are being renewed: Slack's answer would be lost, and with it the refresh token."""
        ...
