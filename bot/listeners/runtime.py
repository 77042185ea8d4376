"""What every listener works with."""

from dataclasses import dataclass

from bot.audit.account_states import AccountStates
from bot.audit.batches import Batches
from bot.clock import Clock
from bot.installation import InstallationStore
from bot.metrics import Metrics
from bot.observers.audit_channel import AuditChannel
from bot.service import Service
from bot.slack.calls import Contact
from bot.slack.pacing import Pacer
from bot.slack.users import UserDirectory
from bot.slack.web import ClientFactory
from bot.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Runtime:
    """The service, who people are, the Slack clients and their pace, what is stored, the clock, the tasks in progress.

    `contact` says in mrkdwn whom to ask for help; `slack` is when Slack was last heard from; `approvals_go_to` are the
    channel, or the people, that are asked to approve deletions.
    """

    service: Service
    users: UserDirectory
    clients: ClientFactory
    pacer: Pacer
    batches: Batches
    account_states: AccountStates
    clock: Clock
    tasks: Tasks
    contact: str
    metrics: Metrics
    slack: Contact
    audit_channel: AuditChannel | None = None
    approvals_go_to: tuple[str, ...] = ()
    installations: InstallationStore | None = None
