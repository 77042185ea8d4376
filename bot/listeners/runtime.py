"""What every listener works with."""

import asyncio
from dataclasses import dataclass, field

from bot.clock import Clock
from bot.observers.audit_channel import AuditChannel
from bot.service import Service
from bot.slack.pacing import Pacer
from bot.slack.users import UserDirectory
from bot.slack.web import ClientFactory
from bot.tasks import Tasks

NOTICES_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Runtime:
    """The service, who people are, the Slack clients and their pace, the clock, and the tasks in progress.

    `contact` says in mrkdwn whom to ask for help. `notices` bounds how many people are being told that it takes longer:
    when everybody waits because the bot is busy, telling them all would make it busier.
    """

    service: Service
    users: UserDirectory
    clients: ClientFactory
    pacer: Pacer
    clock: Clock
    tasks: Tasks
    contact: str
    audit_channel: AuditChannel | None = None
    notices: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(NOTICES_AT_ONCE))
