"""The runtime that every listener works with."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import SecretStr

from bot.actor import Workspace
from bot.cache import Cache
from bot.clock import Clock
from bot.jobs.account_states import AccountStates
from bot.jobs.store import Batches
from bot.metrics import Metrics
from bot.observers import AuditChannel
from bot.service import Service
from bot.slack.calls import SlackHealth
from bot.slack.client import ClientFactory
from bot.slack.external_auth.accounts import AccountList
from bot.slack.rate_limit import RateLimiter
from bot.slack.users import UserDirectory
from bot.tasks import Tasks
from bot.workspaces.installations import StoredInstallations
from bot.workspaces.settings import WorkspaceSettings

RUNTIME = "runtime"
"""The key of the workspace's runtime in Bolt's context, and therefore the name of listeners' argument for it."""


@dataclass(frozen=True, slots=True)
class Shared:
    """The state that all workspaces share, such as clients, the rate limiter, the user directory, and stores.

    `slack` records the results of calls to Slack. `watches` are tasks that a stop doesn't wait for. `installations` are
    those of the app by OAuth, or None if Extauth serves only the workspace of SLACK_BOT_TOKEN.
    """

    clients: ClientFactory
    limiter: RateLimiter
    users: UserDirectory
    batches: Batches
    account_states: AccountStates
    clock: Clock
    tasks: Tasks
    metrics: Metrics
    slack: SlackHealth
    installations: StoredInstallations | None = None
    watches: Tasks = field(default_factory=Tasks)


@dataclass(frozen=True, slots=True)
class Listing:
    """The result of listing accounts in Slack, which is the accounts or the code of Slack's refusal."""

    accounts: AccountList | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class SettingsSnapshot:
    """The settings of a workspace, and the version of the admins' decisions in them."""

    settings: WorkspaceSettings
    version: int


class SettingsKeeper(Protocol):
    """A store for the decisions of a workspace's admins. Every method raises DatabaseError."""

    async def read(self, workspace: Workspace) -> SettingsSnapshot:
        """Return the current settings from the database."""
        ...

    async def save(self, workspace: Workspace, settings: WorkspaceSettings, names: Collection[str], seen: int) -> bool:
        """Store the settings with these `names`. Returns whether the stored version was still `seen`."""
        ...

    async def runtime(self, workspace: Workspace) -> "Runtime | None":
        """Return the workspace's runtime with its newest settings."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The runtime of one workspace, with the shared state, a service with the workspace's settings, and its bot token.

    `contact` is the person or place to ask for help, in mrkdwn. `approvals_go_to` has the channel or the people that
    are asked to approve deletions. `listings` has the App Home's cached lists. `installed_in` is the workspace, or None
    for SLACK_BOT_TOKEN, whose workspace only Slack knows. `keeper` stores the admins' decisions, or is None if the
    operator makes all decisions.
    """

    shared: Shared
    service: Service
    bot_token: SecretStr = field(repr=False)
    contact: str
    listings: Cache[str | None, Listing | None]
    audit_channel: AuditChannel | None = None
    approvals_go_to: tuple[str, ...] = ()
    installed_in: Workspace | None = None
    keeper: SettingsKeeper | None = None

    @property
    def home(self) -> tuple[str | None, str | None]:
        """The workspace ID and organization ID by which `Workspaces` finds this runtime."""
        return self.installed_in.home if self.installed_in is not None else (None, None)

    async def workspace(self) -> Workspace | None:
        """Return the workspace; None if it has to be looked up in Slack and the lookup fails."""
        return self.installed_in or await self.shared.users.workspace(self.bot_token)


class NotInstalled(Exception):
    """A request from a workspace where Extauth isn't installed. `install_url` is the install page's URL, if any."""

    def __init__(self, install_url: str | None) -> None:
        super().__init__("not installed")
        self.install_url = install_url
