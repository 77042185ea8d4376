"""Slack's rate limits: so many calls a minute, by method. https://docs.slack.dev/apis/web-api/rate-limits"""

import math
from collections import deque

from bot.clock import Clock

PER_MINUTE = {"apps.auth.external.get": 50}
_OTHERS_PER_MINUTE = 100


class RateLimits:
    """Counts the calls of the last minute. `is_on` can be switched for a burst."""

    def __init__(self, clock: Clock) -> None:
        self.is_on = True
        self._clock = clock
        self._calls: dict[str, deque[float]] = {}

    def retry_after(self, method: str) -> int | None:
        """Count a call; the seconds to wait if it was one too many."""
        if not self.is_on:
            return None
        now, calls = self._clock.now(), self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= PER_MINUTE.get(method, _OTHERS_PER_MINUTE):
            return max(1, math.ceil(calls[0] + 60 - now))
        calls.append(now)
        return None
