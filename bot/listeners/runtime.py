"""What every listener works with."""

from dataclasses import dataclass

from bot.audit.account_states import AccountStates
from bot.audit.batches import Batches
from bot.clock import Clock
from bot.observers.audit_channel import AuditChannel
from bot.service import Service
from bot.slack.pacing import Pacer
from bot.slack.users import UserDirectory
from bot.slack.web import ClientFactory
from bot.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Runtime:
    """The service, who people are, the Slack clients and their pace, what is stored, the clock, the tasks in progress.

    `contact` says in mrkdwn whom to ask for help.
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
    audit_channel: AuditChannel | None = None
