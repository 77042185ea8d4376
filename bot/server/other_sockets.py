"""A watch for another Extauth that uses the same app-level token with another database.

Slack spreads the app's commands over all connections, so part of them would go past this audit log, unnoticed.
"""

import logging
from collections.abc import Callable

from bot.jobs.open_sockets import OpenSockets
from bot.metrics import SOCKETS_ELSEWHERE
from bot.storage.engine import DatabaseError
from bot.workspaces.runtime import Shared

log = logging.getLogger(__name__)

WATCH_SECONDS = 90.0
"""Seconds between two looks."""
_ASKS, _SURE = range(2, 4), 4
"""The looks in a row at too high a number after which Slack is asked again, and the one that believes it."""
_ASKS_AGAIN = 40
"""The looks after which Slack is asked in any case: an hour's."""
_REMIND_SECONDS = 24 * 3600.0
"""Minimum seconds between two messages."""
WARNING = (
    "Another Extauth uses this app's SLACK_APP_TOKEN with another database. Slack sends it part of the commands, which "
    "are missing from this audit log and bypass these permissions. Stop it, or give it an app of its own."
)


class OtherSockets:
    """The number of the app's connections that no process of this database opens.

    Slack tells how many there are when it accepts one. For some seconds, it counts those that are being replaced, too,
    and those that a killed process left. So a number that's too high is believed once Slack has repeated it twice.
    Of several processes, only one asks Slack again, or each would count the connections that the others ask with.
    `opens` is the number that this process opens. `tell` posts to the audit channels.
    """

    def __init__(self, sockets: OpenSockets, shared: Shared, opens: int, tell: Callable[[str], None]) -> None:
        self._sockets = sockets
        self._shared = shared
        self._opens = opens
        self._tell = tell
        self._not_ours = 0
        self._looks = self._all_looks = 0
        self._told_at = float("-inf")

    def accepted(self, total: object, own: int) -> None:
        """Note Slack's `total` of the app's connections, with `own` of this process open then."""
        self._not_ours = total - max(own, self._opens) if isinstance(total, int) else 0

    async def watch(self, ask: Callable[[], None]) -> None:
        """Look again and again, and tell people of what is found. `ask` makes Slack tell the number again."""
        while True:
            try:
                await self._look(ask)
            except DatabaseError as error:
                log.warning("the connections of other processes aren't known", extra={"why": str(error)})
            await self._shared.clock.sleep(WATCH_SECONDS)

    async def _look(self, ask: Callable[[], None]) -> None:
        others = await self._sockets.note(self._opens)
        elsewhere = max(0, self._not_ours - others) if others is not None else 0
        if self._shared.slack.clock_problem is not None:
            elsewhere = 0  # The other processes may only seem to have stopped.
        self._looks = self._looks + 1 if elsewhere else 0
        self._all_looks += 1
        if self._looks in _ASKS or self._all_looks % _ASKS_AGAIN == 0:
            ask()
        is_sure = self._looks >= _SURE
        self._shared.metrics[SOCKETS_ELSEWHERE].set(elsewhere if is_sure else 0)
        now = self._shared.clock.monotonic()
        if is_sure and now - self._told_at >= _REMIND_SECONDS:
            self._told_at = now
            log.warning(WARNING, extra={"connections": elsewhere})
            self._tell(WARNING)
