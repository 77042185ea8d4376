"""Counts every outcome."""

from bot.audit.entries import AuditResult, Event
from bot.metrics import COMMANDS, Metrics, one_of
from bot.operation import Operation

OPERATIONS = frozenset(operation.action for operation in Operation)
OUTCOMES = frozenset(
    {
        *("fetched", "works", "deleted", "listed", "read"),
        *("requested", "approved", "declined", "expired", "saved"),
        *("failed", "denied", "withheld", "interrupted", "not done", "not recorded", "not read"),
    }
)
"""Every word for how something ended: see `Entry.outcome` and the service."""
ALERTED = ("withheld", "not recorded")
"""Outcomes of which a single one is an alert."""


class OutcomeCounter:
    """Counts outcomes by operation. Who asked, and for what, isn't looked at."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        for operation in OPERATIONS:
            for outcome in ALERTED:
                metrics.begin(COMMANDS, operation, outcome)

    def __call__(self, event: Event, result: AuditResult) -> None:
        """Count one."""
        self._metrics.count(COMMANDS, one_of(event.action, OPERATIONS), one_of(result.outcome, OUTCOMES))
