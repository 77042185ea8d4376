"""The OAuth states that prove that an installation ends in the browser where it began.

https://docs.slack.dev/authentication/installing-with-oauth
"""

import hashlib
import json
import secrets
from typing import Any

from pydantic import SecretStr
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from sqlalchemy import Connection, delete, select

from bot.clock import Clock
from bot.logs import sdk_logger
from bot.storage.crypto import Vault
from bot.storage.engine import Database, insert_into
from bot.storage.tables import oauth_states

STATE_SECONDS = 600
"""Seconds a person has between *Add to Slack* and Slack's *Allow*."""
_MICRO = 1_000_000


class OAuthStates(AsyncOAuthStateStore):
    """Encrypted states that contain their time of issue. Each is valid once, for ten minutes, in any process.

    Anyone can begin an installation, so issuing a state writes nothing. The database has a hash of each state that was
    used, and another one once its installation is saved.
    """

    logger = sdk_logger

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._box = vault.box("oauth state")
        self._clock = clock

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        """Return a new state."""
        text = json.dumps([secrets.token_hex(16), self._clock.now()])
        # Bolt puts the state into a cookie and a URL without escaping the padding.
        return self._box.encrypt(SecretStr(text)).rstrip("=")

    async def async_consume(self, state: str) -> bool:
        """Return whether a state is valid. Only `use` ends its validity early. Raises DatabaseError."""
        opened = self._open(state)
        if opened is None or not 0 <= self._clock.now() - opened[0] < STATE_SECONDS:
            return False
        return not await self._has(opened[1])

    async def has_installed(self, state: str) -> bool:
        """Return whether an installation was saved with a state in the last ten minutes. Raises DatabaseError."""
        opened = self._open(state)
        return opened is not None and await self._has(_saved(opened[1]))

    async def _has(self, hash_: str) -> bool:
        found = select(oauth_states.c.hash).where(oauth_states.c.hash == hash_)
        return await self._database.run(lambda connection: connection.execute(found).first(), reads=True) is not None

    async def use(self, state: str) -> bool:
        """Mark a state as used. Returns whether Extauth issued the state and it was unused. Raises DatabaseError."""
        opened = self._open(state)
        return opened is not None and await self._put(opened[1])

    async def saved(self, state: str) -> None:
        """Mark a used state as one whose installation is saved. Raises DatabaseError."""
        opened = self._open(state)
        if opened is not None:
            await self._put(_saved(opened[1]))

    async def _put(self, hash_: str) -> bool:
        now = round(self._clock.now() * _MICRO)

        def put(connection: Connection) -> bool:
            connection.execute(delete(oauth_states).where(oauth_states.c.expires_at <= now))
            row = {"hash": hash_, "expires_at": now + STATE_SECONDS * _MICRO}
            added = insert_into(connection, oauth_states).values(row).on_conflict_do_nothing()
            return connection.execute(added.returning(oauth_states.c.hash)).first() is not None

        return await self._database.run(put)

    def _open(self, state: str) -> tuple[float, str] | None:
        """Return a state's time of issue and its hash; None if Extauth didn't issue the state."""
        opened = self._box.decrypt(f"{state}{'=' * (-len(state) % 4)}")
        if opened is None:
            return None
        # Hashes the decrypted text, because base64 can encode the same state in several ways.
        text = opened.get_secret_value()
        return json.loads(text)[1], hashlib.sha256(text.encode()).hexdigest()


def _saved(hash_: str) -> str:
    return hashlib.sha256(f"saved {hash_}".encode()).hexdigest()
