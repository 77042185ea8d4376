"""Counts what was rejected, and says so in at most one line of the log a minute."""

import logging
from collections import Counter

from bot.clock import Clock

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 60.0


class Rejections:
    """The rejected requests of this process. Anyone can send requests, so each must cost next to nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told_at = float("-inf")
        self._untold: Counter[str] = Counter()
        self.total: Counter[str] = Counter()

    def count(self, reason: str) -> None:
        """Count one. `reason` is ours, or names a field: never what the request said."""
        self.total[reason] += 1
        self._untold[reason] += 1
        now = self._clock.monotonic()
        if now - self._told_at >= _SECONDS_BETWEEN_LINES:
            log.warning("requests were rejected", extra={"rejected": dict(self._untold)})
            self._told_at = now
            self._untold.clear()
