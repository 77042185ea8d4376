"""What Slack answered lately when it was asked for an app's accounts: a list, or that there's none to be had.

A form asks at each key that a person presses, and when it opens it can't wait for Slack.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from cachetools import TTLCache

from bot.clock import Clock
from bot.slack.external_auth.accounts import AccountList

KEPT_SECONDS = 45.0
"""How long an answer is kept, from when it was asked for, on a clock that is never set back."""
SLOW_SECONDS = 2.4
"""How long a form waits for an answer. Slack waits three seconds for the form's."""
_MAX_APPS = 1_000


@dataclass(frozen=True, slots=True)
class _Asked:
    at: float
    answer: asyncio.Future[AccountList | None]


class AccountMemory:
    """The answers by app. None is one as well: Slack refused, or couldn't be asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: TTLCache[Hashable, _Asked] = TTLCache(_MAX_APPS, KEPT_SECONDS, timer=clock.monotonic)

    async def get(self, app: Hashable, ask: Callable[[], Awaitable[AccountList | None]]) -> AccountList | None:
        """Return an app's accounts, by `ask` where they aren't known. None where there is no list, or not soon.

        Those who ask meanwhile share one request.
        """
        asked = self._asked.get(app)
        if asked is not None:
            return None if self._is_slow(asked) else await asyncio.shield(asked.answer)
        asked = self._asked[app] = _Asked(self._clock.monotonic(), asyncio.get_running_loop().create_future())
        try:
            answer = await ask()
        except BaseException:
            # That isn't Slack's answer, so the next one asks again.
            asked.answer.set_result(None)
            if self._asked.get(app) is asked:
                del self._asked[app]
            raise
        asked.answer.set_result(answer)
        return answer

    def is_promising(self, app: Hashable) -> bool:
        """Return whether a list can be expected: Slack didn't refuse lately, and isn't slow."""
        asked = self._asked.get(app)
        if asked is None:
            return True
        return asked.answer.result() is not None if asked.answer.done() else not self._is_slow(asked)

    def note(self, app: Hashable, answer: AccountList | None) -> None:
        """Keep an answer that a form didn't ask for."""
        asked = self._asked[app] = _Asked(self._clock.monotonic(), asyncio.get_running_loop().create_future())
        asked.answer.set_result(answer)

    def forget(self, app: Hashable) -> None:
        """Forget an app's accounts, because they have changed."""
        self._asked.pop(app, None)

    def _is_slow(self, asked: _Asked) -> bool:
        return not asked.answer.done() and self._clock.monotonic() - asked.at >= SLOW_SECONDS
