"""Slack's rate limits per minute, by method and workspace. https://docs.slack.dev/apis/web-api/rate-limits"""

import math
from collections import Counter, deque

from bot.clock import Clock
from bot.sandbox.slack.state import TEAM_ID

PER_MINUTE = {"apps.auth.external.get": 50, "apps.auth.external.delete": 100, "apps.auth.external.list": 20}
_OTHERS_PER_MINUTE = 100


class RateLimits:
    """The calls of the last minute. With `is_on` False, no limit applies. `rejected` counts calls over the limit."""

    def __init__(self, clock: Clock) -> None:
        self.is_on = True
        self._clock = clock
        self.rejected: Counter[str] = Counter()
        self._calls: dict[tuple[str, str], deque[float]] = {}

    def retry_after(self, method: str, workspace: str = TEAM_ID) -> int | None:
        """Count a call, and return the seconds to wait if it was over the limit."""
        if not self.is_on:
            return None
        now, calls = self._clock.now(), self._calls.setdefault((method, workspace), deque())
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= PER_MINUTE.get(method, _OTHERS_PER_MINUTE):
            self.rejected[method] += 1
            return max(1, math.ceil(calls[0] + 60 - now))
        calls.append(now)
        return None
