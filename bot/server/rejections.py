"""A count of rejected requests, logged at most once a minute."""

import logging
from collections import Counter

from bot.clock import Clock
from bot.metrics import REJECTED, Metrics

log = logging.getLogger(__name__)

NOT_SIGNED = "not signed"
BAD_SIGNATURE = "bad signature"
TOO_OLD = "too old"
MALFORMED = "malformed payload"
INSTALLATION = "installation"
REASONS = frozenset(
    {
        *("wrong path", "wrong method", "body too large", "body took too long", "body broke off", "not HTTP"),
        *("too many connections", "head too large or too slow"),
        *(NOT_SIGNED, BAD_SIGNATURE, TOO_OLD, MALFORMED, INSTALLATION),
    }
)
"""The metric's labels. The reason itself also names a malformed payload's field, or a failed installation's code."""
_SECONDS_BETWEEN_LINES = 60.0


class Rejections:
    """The rejected requests of this process. Counting one must be cheap, because anyone can send them."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._told_at = float("-inf")
        self._untold: Counter[str] = Counter()

    def count(self, reason: str) -> None:
        """Count a rejection. `reason` is Extauth's own text, a field's name, or Slack's code, and never the content."""
        self._untold[reason] += 1
        kind = reason.partition(":")[0]
        self._metrics[REJECTED].labels(kind if kind in REASONS else MALFORMED).inc()
        now = self._clock.monotonic()
        if now - self._told_at >= _SECONDS_BETWEEN_LINES:
            log.warning("requests were rejected", extra={"rejected": dict(self._untold)})
            self._told_at = now
            self._untold.clear()
