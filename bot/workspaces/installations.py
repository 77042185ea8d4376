"""The installations in the database, whose expiring tokens are renewed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from pydantic import SecretStr

from bot.actor import Installation, RenewedToken
from bot.cache import Cache
from bot.clock import Clock
from bot.storage.engine import DatabaseError
from bot.workspaces.installation_rows import InstallationRows, StoredInstallation

FRESH_SECONDS = 15.0
"""Seconds an installation is cached, during which a process may not notice that another has removed it."""
RENEW_AHEAD_SECONDS = 2 * 3600.0
"""Seconds before a token expires at which to renew it. Slack's tokens expire after twelve hours."""
WAIT_SECONDS = 2.0
"""Seconds a request waits for another process to renew a token, less than the three that Slack waits for a response."""
_AGAIN_SECONDS = 0.2
log = logging.getLogger(__name__)

Renew = Callable[[SecretStr], Awaitable[RenewedToken]]


class StoredInstallations:
    """The installations made by OAuth. `renew` trades a refresh token for a new bot token."""

    def __init__(self, rows: InstallationRows, renew: Renew, clock: Clock) -> None:
        self._rows = rows
        self._renew = renew
        self._clock = clock
        self._known: Cache[tuple[str, str], StoredInstallation | None] = Cache(clock, FRESH_SECONDS)
        self._renewing: Cache[str, StoredInstallation] = Cache(clock, 0.0, most=1_000_000)

    async def find(self, team_id: str | None, enterprise_id: str | None) -> Installation | None:
        """Return the workspace's own installation, or else its organization's; None if there is neither.

        The installation was read at most 15 seconds ago, and a token about to expire is renewed. Raises DatabaseError.
        """
        key = (team_id or "", enterprise_id or "")
        kept = await self._known.get(key, lambda: self._rows.find(team_id, enterprise_id))
        return None if kept is None else (await self._current(kept)).installation

    async def all(self) -> Sequence[Installation]:
        """Return every installation, for unattended work. Raises DatabaseError."""
        return [(await self._current(kept)).installation for kept in await self._rows.all()]

    def forget(self, team_id: str | None, enterprise_id: str | None) -> None:
        """Drop this workspace or organization from the cache."""
        for key in self._known:
            if (team_id and team_id in key) or (enterprise_id and enterprise_id in key):
                self._known.pop(key)

    async def remove(self, installation: Installation) -> bool:
        """Remove an installation that Slack no longer accepts. Returns False if its token has changed.

        Raises DatabaseError.
        """
        workspace = installation.workspace
        was_removed = await self._rows.remove(workspace.id, installation.bot_token)
        self.forget(None if workspace.is_org_install else workspace.team_id, workspace.enterprise_id)
        return was_removed

    async def close(self) -> None:
        """Wait for renewals in progress, because losing Slack's response would lose the new refresh token."""
        await asyncio.gather(*self._renewing.pending(), return_exceptions=True)

    async def _current(self, kept: StoredInstallation) -> StoredInstallation:
        """Return the installation. An expired token is renewed first; one that expires soon, in the background."""
        left = float("inf") if kept.expires_at is None else kept.expires_at - self._clock.now()
        if left > RENEW_AHEAD_SECONDS or kept.refresh_token is None:
            return kept
        renewing = self._renewing.get(kept.workspace_id, lambda: self._renewed(kept))
        return kept if left > WAIT_SECONDS else await renewing

    async def _renewed(self, kept: StoredInstallation) -> StoredInstallation:
        """Return the installation with a token renewed by this or another process; unchanged if the renewal fails."""
        try:
            renewed = await self._rows.renew(kept, self._renew)
            deadline = self._clock.monotonic() + WAIT_SECONDS
            # While another process is renewing the token, the row is read until the token changes.
            while renewed is None and self._clock.monotonic() < deadline:
                found = await self._rows.find(kept.workspace_id, None)
                if found is None or found.refresh_token != kept.refresh_token:
                    renewed = found or kept
                else:
                    await self._clock.sleep(_AGAIN_SECONDS)
        except DatabaseError as error:
            log.error("a token couldn't be renewed", extra={"team_id": kept.workspace_id, "why": str(error)})
            return kept
        except Exception as error:
            # The error's text isn't logged, because it may hold Slack's response.
            extra = {"team_id": kept.workspace_id, "error_type": type(error).__name__}
            log.error("a token couldn't be renewed", extra=extra)
            return kept
        self.forget(kept.workspace_id, kept.workspace_id)
        return renewed or kept
