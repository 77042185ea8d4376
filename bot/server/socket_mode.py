"""A receiver of Slack's requests over Socket Mode.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import json
import logging
from typing import Any

from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp

from bot.clock import Clock
from bot.metrics import ACKNOWLEDGED, OTHER, SOCKETS, SOCKETS_ENDED, SOCKETS_OPENED, SOCKETS_REFUSED, Metrics
from bot.server import StartError
from bot.server.dispatch import Dispatcher
from bot.server.other_sockets import OtherSockets
from bot.server.payloads import MalformedPayload
from bot.server.rejections import Rejections
from bot.server.socket_connection import (
    RENEWALS,
    Connection,
    ConnectionRefused,
    DisconnectReason,
    Envelope,
    open_connection,
)
from bot.slack.calls import REFUSALS
from bot.tasks import finishes_within
from bot.workspaces.runtime import Shared

log = logging.getLogger(__name__)

STALE_SECONDS = 25.0
"""The maximum seconds since the last message over a connection that still counts as working."""
LINGER_SECONDS = 15.0
"""Seconds to listen on a replaced connection, which Slack ends after ten."""
RETRY_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds to wait before opening a connection again, by the number of failures in a row."""
HOPELESS_SECONDS = 30.0
"""Seconds to wait after a failure that retrying soon can't fix."""
STEADY_SECONDS = 60.0
"""Seconds a connection must last for earlier failures to be forgotten."""
TOKEN_REFUSALS = REFUSALS | {"missing_scope", "not_allowed_token_type"}
"""Slack's codes for an app-level token that will never open Socket Mode."""
SWITCHED_OFF = frozenset({DisconnectReason.LINK_DISABLED.value, "socket_mode_not_enabled"})
"""Slack's codes for an app whose settings have Socket Mode turned off."""
_REMIND_SECONDS = 60.0
_KNOWN = (
    frozenset(DisconnectReason)
    | TOKEN_REFUSALS
    | SWITCHED_OFF
    | {"ratelimited", "internal_error", "fatal_error", "service_unavailable", "http_401", "http_403", "http_503"}
)
_HOPELESS = TOKEN_REFUSALS | SWITCHED_OFF | {DisconnectReason.TOO_MANY.value, "ratelimited"}
_ACKNOWLEDGE_SECONDS = 3.0


class SocketModeReceiver:
    """Several WebSockets that are kept open. Slack spreads its envelopes over all of them.

    Slack ends each connection every few hours, so a new one is opened first while the others continue. An envelope that
    Slack repeats, for lack of an acknowledgement, isn't handled again but gets the same response.
    """

    def __init__(
        self, app: AsyncApp, app_token: SecretStr, shared: Shared, connections: int, others: OtherSockets
    ) -> None:
        self._others = others
        self._dispatcher = Dispatcher(app, shared)
        self._app_token = app_token
        self._shared = shared
        self._wanted = connections
        self._open: set[Connection] = set()
        self._keeping: set[asyncio.Task[None]] = set()
        self._in_progress: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._status = SocketStatus(shared.clock, shared.metrics)
        self._rejections = Rejections(shared.clock, shared.metrics)

    @property
    def problem(self) -> str | None:
        """The reason no envelope can come in now; None if Slack recently sent anything over an open connection."""
        oldest = self._shared.clock.monotonic() - STALE_SECONDS
        if any(connection.is_open and connection.heard_at >= oldest for connection in self._open):
            return None
        return f"no connection ({self._status.trouble if not self._open else DisconnectReason.SILENT.value})"

    async def start(self) -> None:
        """Open the connections, retrying until the first one works. Raises StartError if Slack refuses the token."""
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._run(self._keep(first))
        await first
        for _ in range(self._wanted - 1):
            self._run(self._keep(None))
        self._run(self._others.watch(self._recount))

    async def stop(self) -> None:
        """Take no more envelopes, finish acknowledging those in progress, and disconnect."""
        self._is_stopping = True
        for task in self._keeping:
            task.cancel()
        if self._in_progress:
            await asyncio.wait(set(self._in_progress), timeout=_ACKNOWLEDGE_SECONDS)
        await asyncio.gather(*(connection.close() for connection in self._open))

    def _run(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _keep(self, first: asyncio.Future[None] | None) -> None:
        """Keep one connection open, and replace it when it ends."""
        replaced: Connection | None = None
        failures = 0
        while True:
            try:
                connection = await open_connection(self._shared.clients, self._app_token, self._came)
            except ConnectionRefused as refused:
                self._refused(refused.code, first)
                failures += 1
                if replaced is not None and refused.code == DisconnectReason.TOO_MANY:
                    # Closing the old connection makes room for the new one. This process's others stay open.
                    await replaced.close()
                    replaced = None
                    await self._pause(1, DisconnectReason.CLOSED)
                else:
                    await self._pause(failures, refused.code)
                continue
            self._opened(connection)
            if first is not None and not first.done():
                first.set_result(None)
            if replaced is not None:
                self._run(self._retire(replaced))
            await connection.told.wait()
            ending = connection.ending or DisconnectReason.CLOSED
            self._shared.metrics[SOCKETS_ENDED].labels(ending.value).inc()
            replaced = connection if ending in RENEWALS else None
            if replaced is None:
                await connection.close()
            is_steady = self._shared.clock.monotonic() - connection.opened_at >= STEADY_SECONDS
            failures = 0 if is_steady else failures + 1
            await self._pause(max(failures - 1, 0), ending.value)

    def _refused(self, code: str, first: asyncio.Future[None] | None) -> None:
        if first is not None and not first.done() and code in TOKEN_REFUSALS:
            first.set_exception(
                StartError(
                    f"Slack doesn't accept SLACK_APP_TOKEN for Socket Mode ({code}): it needs an app-level token "
                    "(xapp-…) with the scope connections:write."
                )
            )
        else:
            self._status.refused(code, len(self._open))

    async def _pause(self, failures: int, code: str) -> None:
        seconds = HOPELESS_SECONDS if code in _HOPELESS else RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
        if seconds:
            await self._shared.clock.sleep(seconds)

    def _recount(self) -> None:
        if self._open:
            max(self._open, key=lambda connection: connection.opened_at).renew()

    def _opened(self, connection: Connection) -> None:
        self._open.add(connection)
        self._others.accepted(connection.total, len(self._open))
        self._status.opened(len(self._open))

        def over(_: asyncio.Future[None]) -> None:
            self._open.discard(connection)
            if not self._is_stopping:
                self._status.over(connection.ending or DisconnectReason.CLOSED, len(self._open))

        connection.over.add_done_callback(over)

    async def _retire(self, connection: Connection) -> None:
        """Keep listening for as long as Slack may deliver over a replaced connection."""
        await finishes_within(self._shared.clock, connection.over, LINGER_SECONDS)
        await connection.close()

    def _came(self, connection: Connection, envelope: Envelope) -> None:
        if self._is_stopping:
            return  # Slack repeats an unacknowledged envelope over another connection.
        task = asyncio.ensure_future(self._take(connection, envelope))
        self._in_progress.add(task)
        task.add_done_callback(self._in_progress.discard)

    async def _take(self, connection: Connection, envelope: Envelope) -> None:
        """Handle an envelope, and acknowledge it."""
        try:
            answer = await self._dispatcher.dispatch(envelope.payload)
        except MalformedPayload as error:
            self._rejections.count(str(error))
            return
        except Exception:
            log.exception("an envelope couldn't be handled")
            return
        if answer.status != 200:
            log.warning("an envelope wasn't acknowledged", extra={"status": answer.status})
            return
        self._shared.slack.heard_at = self._shared.clock.monotonic()
        # Bolt returns an acknowledgement's payload as the JSON body of an HTTP response.
        payload = json.loads(answer.body) if answer.body else None
        # If this connection is gone, try the others, in case Slack accepts an acknowledgement by the envelope's ID.
        for way in (connection, *(self._open - {connection})):
            try:
                await way.acknowledge(envelope.id, payload)
            except ConnectionError:
                continue
            self._shared.metrics[ACKNOWLEDGED].observe(self._shared.clock.monotonic() - envelope.came_at)
            return
        log.warning("an envelope couldn't be acknowledged: its connection is gone")


def advice(code: str) -> str:
    """Return a line that explains a failure to connect and its fix."""
    if code == DisconnectReason.TOO_MANY:
        return "All of the app's Socket Mode connections are in use. Lower EXTAUTH_SOCKET_CONNECTIONS or stop a process"
    if code in SWITCHED_OFF:
        return "Socket Mode is off. Turn it on in the app's settings"
    if code in TOKEN_REFUSALS:
        return "Slack doesn't accept SLACK_APP_TOKEN for Socket Mode any longer. Set a new one"
    return "A Socket Mode connection can't be opened; trying again"


class SocketStatus:
    """The metrics and log lines about connections, none logged twice in a minute, and the last problem with one."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._told: dict[str, float] = {}
        self._gone_at: float | None = None
        self._has_connected = False
        self.trouble = "not connected yet"

    def opened(self, count: int) -> None:
        """Record an opened connection, with `count` open now."""
        self._metrics[SOCKETS_OPENED].inc()
        self._metrics[SOCKETS].set(count)
        if not self._has_connected:
            log.info("Socket Mode is connected")
        elif self._gone_at is not None:
            seconds = round(self._clock.monotonic() - self._gone_at)
            log.info("Socket Mode is connected again", extra={"seconds": seconds})
        self._has_connected, self._gone_at = True, None
        self._told.clear()

    def over(self, ending: DisconnectReason, count: int) -> None:
        """Record the end of a connection, with `count` left open."""
        self._metrics[SOCKETS].set(count)
        if ending not in RENEWALS:
            self.trouble = ending.value
        if ending in SWITCHED_OFF or ending is DisconnectReason.TOO_MANY:
            self._tell(advice(ending), ending.value, count)
        if count == 0:
            self._gone_at = self._clock.monotonic()
            self._tell("Socket Mode is disconnected; reconnecting", ending.value, count)
        elif ending is DisconnectReason.SILENT:
            self._tell("A Socket Mode connection went silent; reconnecting", ending.value, count)
        else:
            log.info("a Socket Mode connection ended", extra={"reason": ending.value, "connections": count})

    def refused(self, code: str, count: int) -> None:
        """Record a failure to open a connection, with `count` others open."""
        self._metrics[SOCKETS_REFUSED].labels(code if code in _KNOWN else OTHER).inc()
        self.trouble = code
        self._tell(advice(code), code, count)

    def _tell(self, line: str, reason: str, count: int) -> None:
        now = self._clock.monotonic()
        if now - self._told.get(line, float("-inf")) >= _REMIND_SECONDS:
            self._told[line] = now
            log.warning(line, extra={"reason": reason, "connections": count})
