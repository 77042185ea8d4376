"""The workspaces that Extauth serves, and the runtime for each one's requests."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from pydantic import SecretStr

from bot.actor import Installation, Workspace
from bot.cache import Cache
from bot.observers import AuditChannel
from bot.storage.engine import DatabaseError
from bot.workspaces.installations import StoredInstallations
from bot.workspaces.runtime import Runtime, SettingsKeeper, SettingsSnapshot, Shared
from bot.workspaces.settings import WorkspaceSettings
from bot.workspaces.settings_store import SettingsStore

FRESH_SECONDS = 15.0
"""Maximum age in seconds of a workspace's settings in a process that didn't save them."""
MOST_RUNTIMES = 1_000
"""Maximum number of workspaces' runtimes in memory. The least recently used runtimes are dropped."""
log = logging.getLogger(__name__)


@dataclass
class OneWorkspace:
    """The workspace of `SLACK_BOT_TOKEN`, whose runtime is returned without I/O for requests from anywhere.

    `UserDirectory` looks up the workspace's ID, and marks people of other workspaces, whose requests are denied.
    """

    runtime: Runtime

    async def find(self, team_id: str | None, enterprise_id: str | None) -> Runtime | None:
        """Return the only runtime, regardless of the IDs."""
        return self.runtime

    async def serves(self) -> Callable[[str | None, str | None], bool] | None:
        """Return a check that a workspace and organization are the token's; None if the lookup in Slack fails."""
        workspace = await self.runtime.shared.users.workspace(self.runtime.bot_token)
        return workspace.includes if workspace is not None else None

    async def all(self) -> Sequence[Runtime]:
        """Return the only runtime."""
        return (self.runtime,)

    def audit_channels(self) -> Collection[AuditChannel]:
        """Return the workspace's audit channel, if it has one."""
        channel = self.runtime.audit_channel
        return (channel,) if channel is not None else ()


@dataclass(frozen=True, slots=True)
class _CachedRuntime:
    runtime: Runtime
    seen: SettingsSnapshot


class ManyWorkspaces(SettingsKeeper):
    """The workspaces that installed the app, whose own settings override the environment's.

    A runtime is kept in memory, and replaced when its workspace's settings change. Settings are read again after
    `FRESH_SECONDS`, or at once in the process that saved them.
    """

    def __init__(
        self,
        installations: StoredInstallations,
        store: SettingsStore,
        defaults: WorkspaceSettings,
        shared: Shared,
        make: Callable[[WorkspaceSettings, SecretStr, AuditChannel | None], Runtime],
    ) -> None:
        self._installations = installations
        self._store = store
        self._defaults = defaults
        self._shared = shared
        self._make = make
        self._made: OrderedDict[str, _CachedRuntime] = OrderedDict()
        self._channels: dict[str, AuditChannel] = {}
        self._replaced: list[AuditChannel] = []
        self._reads: Cache[str, SettingsSnapshot] = Cache(shared.clock, FRESH_SECONDS, MOST_RUNTIMES)

    async def find(self, team_id: str | None, enterprise_id: str | None) -> Runtime | None:
        """Return a workspace's runtime; None if Extauth isn't installed there. Raises DatabaseError."""
        installation = await self._installations.find(team_id, enterprise_id)
        return await self._runtime(installation) if installation is not None else None

    async def serves(self) -> Callable[[str | None, str | None], bool]:
        """Return a check that accepts any workspace."""
        return lambda *_: True

    async def all(self) -> Sequence[Runtime]:
        """Return the runtime of each workspace, for unattended work. Raises DatabaseError.

        Workspaces whose settings can't be read are left out.
        """
        found = []
        for installation in await self._installations.all():
            try:
                found.append(await self._runtime(installation))
            except DatabaseError as error:
                log.error("a workspace was left out", extra={"id": installation.workspace.id, "why": str(error)})
        return found

    def audit_channels(self) -> Collection[AuditChannel]:
        """Return the audit channels of recently served workspaces, and replaced channels that are still posting."""
        self._replaced = [channel for channel in self._replaced if channel.is_posting]
        return [*self._channels.values(), *self._replaced]

    async def read(self, workspace: Workspace) -> SettingsSnapshot:
        """Return a workspace's current settings from the database. Raises DatabaseError."""
        stored = await self._store.read(workspace.id)
        try:
            return SettingsSnapshot(self._defaults.with_decided(stored.decided), stored.version)
        except ValueError as error:
            raise DatabaseError(f"the settings of workspace {workspace.id} can't be read: {error}") from None

    async def save(self, workspace: Workspace, settings: WorkspaceSettings, names: Collection[str], seen: int) -> bool:
        """Store an admin's settings if the stored version is still `seen`. Raises DatabaseError."""
        stored = await self._store.read(workspace.id)
        if stored.version != seen:
            return False
        decided = {**stored.decided, **settings.written(names)}
        is_saved = await self._store.write(workspace.id, decided, seen)
        self._reads.pop(workspace.id)
        return is_saved

    async def runtime(self, workspace: Workspace) -> Runtime | None:
        """Return the runtime of a workspace with its newest settings. Raises DatabaseError."""
        self._reads.pop(workspace.id)
        return await self.find(*workspace.home)

    async def _runtime(self, installation: Installation) -> Runtime:
        workspace, bot_token = installation.workspace, installation.bot_token
        seen = await self._reads.get(workspace.id, lambda: self.read(workspace))
        made = self._made.pop(workspace.id, None)
        if made is None or made.seen != seen:
            channel = self._audit_channel(workspace, seen.settings.audit_channel)
            runtime = self._make(seen.settings, bot_token, channel)
            made = _CachedRuntime(replace(runtime, installed_in=workspace, keeper=self), seen)
        elif made.runtime.bot_token != bot_token or made.runtime.installed_in != workspace:
            made = _CachedRuntime(replace(made.runtime, bot_token=bot_token, installed_in=workspace), seen)
        self._made[workspace.id] = made
        if len(self._made) > MOST_RUNTIMES:
            oldest, _ = self._made.popitem(last=False)
            self._let_go(oldest)
        # The installation names its token's workspace, which saves a call to Slack.
        self._shared.users.workspaces.put(bot_token, workspace)
        return made.runtime

    def _audit_channel(self, workspace: Workspace, channel: str | None) -> AuditChannel | None:
        """Return the workspace's audit channel, as the same object until the channel's ID changes."""
        known = self._channels.get(workspace.id)
        if known is not None and known.channel == channel:
            return known
        self._let_go(workspace.id)
        if channel is None:
            return None

        async def bot_token() -> SecretStr | None:
            installation = await self._installations.find(*workspace.home)
            return installation.bot_token if installation is not None else None

        made = self._channels[workspace.id] = AuditChannel(channel, bot_token, self._shared.clients, workspace.id)
        return made

    def _let_go(self, workspace_id: str) -> None:
        known = self._channels.pop(workspace_id, None)
        if known is not None:
            self._replaced = [channel for channel in (*self._replaced, known) if channel.is_posting]


Workspaces = OneWorkspace | ManyWorkspaces
"""The workspaces that Extauth is installed in."""
