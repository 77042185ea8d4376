"""What an operator is told of the Socket Mode connections: a line when something changes, and the numbers."""

import logging

from bot.clock import Clock
from bot.metrics import SOCKETS, SOCKETS_ENDED, SOCKETS_OPENED, SOCKETS_REFUSED, Metrics, one_of
from bot.server.socket_connection import RENEWALS, Ending
from bot.slack.calls import REFUSALS

log = logging.getLogger(__name__)

TOKEN_REFUSALS = REFUSALS | {"missing_scope", "not_allowed_token_type"}
"""Slack's codes for an app-level token that will never open Socket Mode."""
SWITCHED_OFF = frozenset({Ending.LINK_DISABLED.value, "socket_mode_not_enabled"})
"""What Slack says when Socket Mode is off in the app's settings."""
_REMIND_SECONDS = 60.0
_KNOWN = (
    frozenset(Ending)
    | TOKEN_REFUSALS
    | SWITCHED_OFF
    | {"ratelimited", "internal_error", "fatal_error", "service_unavailable", "http_401", "http_403", "http_503"}
)


def advice(code: str) -> str:
    """Return in words why no connection could be opened, and what to do about it."""
    if code == Ending.TOO_MANY:
        return "All of the app's Socket Mode connections are in use. Lower EXTAUTH_SOCKET_CONNECTIONS or stop a process"
    if code in SWITCHED_OFF:
        return "Socket Mode is off. Turn it on in the app's settings"
    if code in TOKEN_REFUSALS:
        return "Slack doesn't accept SLACK_APP_TOKEN for Socket Mode any longer. Set a new one"
    return "A Socket Mode connection can't be opened; trying again"


class SocketStatus:
    """How many connections are open, why one isn't, and when that was told last. Nothing is told twice in a minute."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._told: dict[str, float] = {}
        self._gone_at: float | None = None
        self._has_connected = False
        self.trouble = "not connected yet"

    def opened(self, count: int) -> None:
        """A connection was opened, and makes it so many."""
        self._metrics.count(SOCKETS_OPENED)
        self._counted(count)
        if not self._has_connected:
            log.info("Socket Mode is connected")
        elif self._gone_at is not None:
            seconds = round(self._clock.monotonic() - self._gone_at)
            log.info("Socket Mode is connected again", extra={"seconds": seconds})
        self._has_connected, self._gone_at = True, None
        self._told.clear()

    def told_to_leave(self, ending: Ending) -> None:
        """Slack wants a connection to be replaced, or it is over."""
        self._metrics.count(SOCKETS_ENDED, ending.value)

    def over(self, ending: Ending, count: int) -> None:
        """A connection is over, which leaves so many."""
        self._counted(count)
        if ending not in RENEWALS:
            self.trouble = ending.value
        if ending in SWITCHED_OFF or ending is Ending.TOO_MANY:
            self._tell(advice(ending), ending.value, count)
        if count == 0:
            self._gone_at = self._clock.monotonic()
            self._tell("Socket Mode is disconnected; reconnecting", ending.value, count)
        elif ending is Ending.SILENT:
            self._tell("A Socket Mode connection went silent; reconnecting", ending.value, count)
        else:
            log.info("a Socket Mode connection ended", extra={"reason": ending.value, "connections": count})

    def refused(self, code: str, count: int) -> None:
        """A connection couldn't be opened, with so many others open."""
        self._metrics.count(SOCKETS_REFUSED, one_of(code, _KNOWN))
        self.trouble = code
        self._tell(advice(code), code, count)

    def _counted(self, count: int) -> None:
        self._metrics.set(SOCKETS, count)

    def _tell(self, line: str, reason: str, count: int) -> None:
        now = self._clock.monotonic()
        if now - self._told.get(line, float("-inf")) >= _REMIND_SECONDS:
            self._told[line] = now
            log.warning(line, extra={"reason": reason, "connections": count})
