"""Bounds how many HTTP connections are open, and how long each may take over a request.

aiohttp has no deadline for a request's headers, and accepts connections until the process has no file descriptors left.
"""

import asyncio
import resource
from collections.abc import Callable
from typing import cast

from aiohttp import web

from bot.slack.client import MAX_CONNECTIONS as OUTGOING_CONNECTIONS

REQUEST_SECONDS = 5.0
"""How long a client may take to send a request's headers, and then its body."""
ACCEPTED_AT_ONCE = 8
"""How many connections asyncio accepts in one turn of its loop."""
_UNCOUNTED = 10 * ACCEPTED_AT_ONCE
"""Those that are accepted but not yet counted, or displaced but not yet closed: either takes a few turns."""
WAITING = 4096
"""How many connections the kernel lets wait to be accepted, so that a flood of them keeps nobody out."""
_MAX_CONNECTIONS = 1000
_MIN_CONNECTIONS = 16
_OTHER_FILES = 50


def connection_limit() -> int:
    """Return how many connections the file descriptors allow, beside what the bot itself needs.

    Raises the process's limit of file descriptors as far as it may.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_CONNECTIONS + OUTGOING_CONNECTIONS + _UNCOUNTED + _OTHER_FILES
    files = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(_MIN_CONNECTIONS, min(files, wanted) - OUTGOING_CONNECTIONS - _UNCOUNTED - _OTHER_FILES)


class Connection(asyncio.Protocol):
    """One connection, in front of aiohttp's own protocol: closed when a request takes too long to arrive."""

    def __init__(self, inner: asyncio.Protocol, connections: "Connections") -> None:
        self._inner = inner
        self._connections = connections
        self._deadline: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None
        self._is_handling = False
        self.is_verified = False
        self.is_busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, and wait for its first request."""
        self.transport = cast(asyncio.Transport, transport)
        self._inner.connection_made(transport)
        self._start_deadline()
        self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_deadline()
        self._connections.closed(self)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass data on. The first byte of a later request starts its deadline."""
        if not self._is_handling and self._deadline is None:
            self._start_deadline()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass the end on."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass the pause on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass the resumption on."""
        self._inner.resume_writing()

    def begin(self) -> None:
        """The headers of a request are complete."""
        self._stop_deadline()
        self._is_handling = True

    def verified(self) -> None:
        """The request is Slack's: it was signed."""
        self.is_verified = self.is_busy = True

    def end(self) -> None:
        """The request is answered."""
        self._is_handling = self.is_busy = False

    def abort(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()

    def _start_deadline(self) -> None:
        self._deadline = asyncio.get_running_loop().call_later(REQUEST_SECONDS, self._too_slow)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._connections.on_rejected("headers took too long")
        self.abort()


class Connections:
    """The open connections. A new one beyond the limit displaces the oldest that has never sent what Slack signed."""

    def __init__(self, server: web.Server, limit: int, on_rejected: Callable[[str], None]) -> None:
        self._server = server
        self._limit = limit
        self._open: dict[object, Connection] = {}
        self.on_rejected = on_rejected

    def __len__(self) -> int:
        return len(self._open)

    def new(self) -> Connection:
        """Make the protocol of a new connection."""
        return Connection(self._server(), self)

    def of(self, request: web.BaseRequest) -> Connection | None:
        """Return the connection of a request; None when it is already closed."""
        return self._open.get(request.transport)

    def opened(self, connection: Connection) -> None:
        """Make room for a connection that was made."""
        self._open[connection.transport] = connection
        if len(self._open) > self._limit:
            self.on_rejected("too many connections")
            displaced = self._least_useful(connection)
            # At once: its transport takes a few turns of the loop to close, and must not be chosen again until then.
            self.closed(displaced)
            displaced.abort()

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._open.pop(connection.transport, None)

    def _least_useful(self, newest: Connection) -> Connection:
        """Return the oldest of the worst kind. The newest has had no chance yet to show what it is."""
        others = [one for one in self._open.values() if one is not newest]
        # min() returns the first of several, and a dict keeps the order in which they came.
        return min(others, key=lambda one: (one.is_verified, one.is_busy))
