"""What every listener works with."""

from dataclasses import dataclass

from bot.clock import Clock
from bot.service import Service
from bot.slack.web import ClientFactory
from bot.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Runtime:
    """The service, the Slack clients, the clock, and the tasks in progress."""

    service: Service
    clients: ClientFactory
    clock: Clock
    tasks: Tasks
