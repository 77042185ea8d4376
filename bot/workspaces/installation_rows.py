"""The installations in the database, each encrypted, including its tokens, and bound to its workspace."""

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from pydantic import SecretStr
from slack_sdk.oauth.installation_store import Installation as SlackInstallation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from sqlalchemy import Connection, delete, func, or_, select, update

from bot.actor import Installation, RenewedToken, Workspace
from bot.clock import Clock
from bot.logs import sdk_logger
from bot.storage.crypto import Vault
from bot.storage.engine import Database, DatabaseError, insert_into
from bot.storage.tables import account_states, installations
from bot.tasks import retry
from bot.workspaces.settings_store import forget

PURPOSE = "installation"
"""The purpose of the box that encrypts installations."""
REFRESHING_SECONDS = 60.0
"""Seconds that one process has to renew a token before another process may try."""
_KEEP_AGAIN_SECONDS = (1.0, 5.0, 15.0)
_MICRO = 1_000_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredInstallation:
    """An installation in the form that is encrypted. Times are in seconds since the epoch (UTC).

    `workspace_id` is the organization's for an org-wide installation. Without a `refresh_token`, no token expires.
    """

    workspace_id: str
    enterprise_id: str | None
    is_org_install: bool
    bot_token: str = field(repr=False)
    bot_user_id: str | None
    scopes: tuple[str, ...]
    installed_by: str | None
    installed_at: float
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None

    @property
    def installation(self) -> Installation:
        """The installation in the form that listeners use."""
        workspace = Workspace(self.workspace_id, self.enterprise_id, self.is_org_install)
        return Installation(workspace, SecretStr(self.bot_token), self.bot_user_id, frozenset(self.scopes))


class InstallationRows(AsyncInstallationStore):
    """The rows of installations, which Bolt's OAuth flow writes and Extauth reads.

    User tokens aren't stored, because Extauth needs none. Every method raises DatabaseError.
    """

    logger = sdk_logger

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._box = vault.box(PURPOSE)
        self._clock = clock

    async def async_save(self, installation: SlackInstallation) -> None:
        """Store an installation, replacing an earlier one of the same workspace or organization."""
        bot = installation.to_bot()
        workspace_id = bot.enterprise_id if bot.is_enterprise_install else bot.team_id
        if not workspace_id or not bot.bot_token:
            raise DatabaseError("Slack didn't say what was installed where")
        kept = StoredInstallation(
            workspace_id,
            bot.enterprise_id or None,
            bool(bot.is_enterprise_install),
            bot.bot_token,
            bot.bot_user_id,
            tuple(bot.bot_scopes or ()),
            installation.user_id,
            self._clock.now(),
            bot.bot_refresh_token,
            bot.bot_token_expires_at,
        )
        values = {"at": round(kept.installed_at * _MICRO), "content": self._write(kept), "refreshing_until": None}

        def put(connection: Connection) -> None:
            row = insert_into(connection, installations).values(workspace_id=workspace_id, **values)
            connection.execute(row.on_conflict_do_update(index_elements=["workspace_id"], set_=values))

        await self._database.run(put)

    async def remove(self, workspace_id: str, bot_token: SecretStr) -> bool:
        """Remove an installation, its account states, and its admins' settings, but not its audit log.

        An installation that has a different token by now isn't removed. Returns whether it was removed.
        """
        this = installations.c.workspace_id == workspace_id
        wanted = select(installations.c.content).where(this).with_for_update()

        def remove(connection: Connection) -> bool:
            row = connection.execute(wanted).first()
            if row is None or self._read(workspace_id, row.content).installation.bot_token != bot_token:
                return False
            connection.execute(delete(installations).where(this))
            connection.execute(delete(account_states).where(account_states.c.team_id == workspace_id))
            # The settings include the workspace's API token, so they can't be kept either.
            forget(connection, self._vault, workspace_id)
            return True

        return await self._database.run(remove)

    async def find(self, team_id: str | None, enterprise_id: str | None) -> StoredInstallation | None:
        """Return the workspace's own installation, or else its organization's; None if there is neither."""
        ids = [one for one in (team_id, enterprise_id) if one]
        wanted = select(installations.c.workspace_id, installations.c.content)
        wanted = wanted.where(installations.c.workspace_id.in_(ids))
        rows = await self._database.run(lambda connection: connection.execute(wanted).all(), reads=True)
        found = {row.workspace_id: row.content for row in rows}
        for workspace_id in ids:
            if workspace_id in found:
                return self._read(workspace_id, found[workspace_id])
        return None

    async def all(self) -> Sequence[StoredInstallation]:
        """Return every readable installation."""
        wanted = select(installations.c.workspace_id, installations.c.content).order_by(installations.c.workspace_id)
        rows = await self._database.run(lambda connection: connection.execute(wanted).all(), reads=True)
        found = []
        for row in rows:
            try:
                found.append(self._read(row.workspace_id, row.content))
            except DatabaseError as error:
                log.error("an installation can't be read", extra={"team_id": row.workspace_id, "why": str(error)})
        return found

    async def count(self) -> int:
        """Return the number of installations, readable or not."""
        counted = select(func.count()).select_from(installations)
        return await self._database.run(lambda connection: int(connection.execute(counted).scalar_one()), reads=True)

    async def renew(
        self, kept: StoredInstallation, renew: Callable[[SecretStr], Awaitable[RenewedToken]]
    ) -> StoredInstallation | None:
        """Renew a token in only one process, because each refresh token works once.

        Returns None while another process is renewing the token. Raises the errors of `renew`, after which no process
        tries again for a minute.
        """
        until = round((self._clock.now() + REFRESHING_SECONDS) * _MICRO)
        row = installations.c.workspace_id == kept.workspace_id
        is_free = or_(
            installations.c.refreshing_until.is_(None),
            installations.c.refreshing_until < round(self._clock.now() * _MICRO),
        )
        claim = update(installations).where(row, is_free).values(refreshing_until=until)
        claim = claim.returning(installations.c.content)
        claimed = await self._database.run(lambda connection: connection.execute(claim).first())
        if claimed is None:
            return None
        now = self._read(kept.workspace_id, claimed.content)
        mine = (row, installations.c.refreshing_until == until)
        if now.refresh_token != kept.refresh_token or now.refresh_token is None:
            freed = update(installations).where(*mine).values(refreshing_until=None)
            await self._database.run(lambda connection: connection.execute(freed))
            return now
        by = await renew(SecretStr(now.refresh_token))
        renewed = replace(
            now,
            bot_token=by.bot_token.get_secret_value(),
            refresh_token=by.refresh_token.get_secret_value(),
            expires_at=self._clock.now() + by.seconds,
        )
        values = {"content": self._write(renewed), "refreshing_until": None}
        stored = update(installations).where(*mine).values(values)
        # Slack won't return this token again, so a failed write is retried.
        write = partial(self._database.run, lambda connection: connection.execute(stored))
        await retry(write, self._clock.sleep, _KEEP_AGAIN_SECONDS, lambda error: isinstance(error, DatabaseError))
        return renewed

    def _write(self, kept: StoredInstallation) -> str:
        return self._box.encrypt(SecretStr(json.dumps(asdict(kept))))

    def _read(self, workspace_id: str, content: object) -> StoredInstallation:
        opened = self._box.decrypt(content)
        read = None if opened is None else json.loads(opened.get_secret_value())
        if read is None or read["workspace_id"] != workspace_id:
            raise DatabaseError(f"the installation of {workspace_id} isn't one that EXTAUTH_SECRET_KEY encrypted")
        return StoredInstallation(**{**read, "scopes": tuple(read["scopes"])})
