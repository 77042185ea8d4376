"""What a browser carries to Slack and back, so that an installation ends where it began.

https://docs.slack.dev/authentication/installing-with-oauth
"""

import hashlib
import secrets
from logging import Logger
from typing import Any

from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from sqlalchemy import Connection, delete, func, insert, select

from bot.clock import Clock
from bot.logs import sdk_logger
from bot.storage.engine import Database
from bot.storage.tables import oauth_states

STATE_SECONDS = 600
"""How long somebody can take from the button to Slack's *Allow*."""
MOST_STATES = 10_000
"""How many can be on their way. Anyone can begin an installation, so what that writes has a limit."""
FULL_SECONDS = 10.0
"""How long the database is left alone once there are so many, for everything else waits for its writes, too."""
_MICRO = 1_000_000


class TooManyStates(Exception):
    """So many installations have begun that no more can."""


class StoredOAuthStates(AsyncOAuthStateStore):
    """States in the database, of which it only has hashes. Each is good once, for ten minutes, in any process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._full_until = float("-inf")

    @property
    def logger(self) -> Logger:
        """What slack_sdk would log with."""
        return sdk_logger

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        """Return a new state. Raises DatabaseError, TooManyStates."""
        if self._clock.monotonic() < self._full_until:
            raise TooManyStates
        state, now = secrets.token_urlsafe(32), self._now()

        def put(connection: Connection) -> None:
            connection.execute(delete(oauth_states).where(oauth_states.c.expires_at <= now))
            if connection.execute(select(func.count()).select_from(oauth_states)).scalar_one() >= MOST_STATES:
                raise TooManyStates
            row = {"hash": _hash(state), "expires_at": now + STATE_SECONDS * _MICRO}
            connection.execute(insert(oauth_states).values(row))

        try:
            await self._database.run(put)
        except TooManyStates:
            self._full_until = self._clock.monotonic() + FULL_SECONDS
            raise
        return state

    async def async_consume(self, state: str) -> bool:
        """Return whether a state is good: for one of those who ask, once. Raises DatabaseError."""
        gone = delete(oauth_states).where(oauth_states.c.hash == _hash(state)).returning(oauth_states.c.expires_at)
        row = await self._database.run(lambda connection: connection.execute(gone).first())
        return row is not None and row.expires_at > self._now()

    def _now(self) -> int:
        return round(self._clock.now() * _MICRO)


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
