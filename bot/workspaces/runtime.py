"""What every listener works with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import SecretStr

from bot.actor import Workspace
from bot.cache import Cache
from bot.clock import Clock
from bot.jobs.account_states import AccountStates
from bot.jobs.store import Batches
from bot.metrics import Metrics
from bot.observers import AuditChannel
from bot.service import Service
from bot.slack.calls import Calls
from bot.slack.client import ClientFactory
from bot.slack.external_auth.accounts import AccountList
from bot.slack.rate_limit import RateLimiter
from bot.slack.users import UserDirectory
from bot.tasks import Tasks
from bot.workspaces.installations import StoredInstallations
from bot.workspaces.settings import WorkspaceSettings

RUNTIME = "runtime"
"""The key of Bolt's context, and so the name of the argument, by which a listener gets its workspace's runtime."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all workspaces share: the clients and their pace, who people are, what is stored, the clock, the tasks.

    `slack` is when Slack was last heard from; `installations` are the workspaces that installed the app, None where the
    bot serves the one of its token.
    """

    clients: ClientFactory
    limiter: RateLimiter
    users: UserDirectory
    batches: Batches
    account_states: AccountStates
    clock: Clock
    tasks: Tasks
    metrics: Metrics
    slack: Calls
    installations: StoredInstallations | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What came of asking Slack for the accounts: them, or the code of why not."""

    accounts: AccountList | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The settings of a workspace, and which version of what it decided they are."""

    settings: WorkspaceSettings
    version: int


class SettingsKeeper(Protocol):
    """Keeps what a workspace's admins decide. Every method raises DatabaseError."""

    async def read(self, workspace: Workspace) -> Kept:
        """Return the settings as they are in the database now."""
        ...

    async def save(self, workspace: Workspace, settings: WorkspaceSettings, names: Collection[str], seen: int) -> bool:
        """Keep what the settings of these `names` are now. Returns whether nobody had changed the version `seen`."""
        ...

    async def runtime(self, workspace: Workspace) -> "Runtime | None":
        """Return what serves the workspace from now on, by its newest settings."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime(Shared):
    """What serves one workspace, beside what all share: the service with its settings, and the bot's token there.

    `contact` says in mrkdwn whom to ask for help; `approvals_go_to` are the channel, or the people, that are asked to
    approve deletions; `listings` are the numbers that the App Home counted. `installed_in` is where it's installed;
    None for the token in the settings, of which only Slack knows that. `keeper` keeps what the workspace's admins
    decide; None where the operator decides.
    """

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
        """The workspace and the organization by which `Workspaces` finds it again."""
        return self.installed_in.home if self.installed_in is not None else (None, None)

    async def workspace(self) -> Workspace | None:
        """Return where it is installed; None when only Slack knows and doesn't say."""
        return self.installed_in or await self.users.workspace(self.bot_token)


class NotInstalled(Exception):
    """A request comes from a workspace where the bot isn't installed. `install_url` is where it can be."""

    def __init__(self, install_url: str | None) -> None:
        super().__init__("not installed")
        self.install_url = install_url


def runtime_in(context: Mapping[str, Any]) -> Runtime | None:
    """Return the runtime of the workspace that a request comes from; None where there is none."""
    found = context.get(RUNTIME)
    return found if isinstance(found, Runtime) else None
