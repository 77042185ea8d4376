"""The ways in which the simulated Slack reaches Extauth: Socket Mode, and HTTP with a signature.

https://docs.slack.dev/apis/events-api/using-socket-mode
https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import asyncio
import json
import secrets
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web
from slack_sdk.signature import SignatureVerifier

from bot.sandbox.slack.state import APP_ID, State

ACKNOWLEDGE_SECONDS = 3.0
MOST_CONNECTIONS = 10
LEAVE_SECONDS = 10.0
"""Seconds between Slack's `disconnect` and the end of a connection."""


class NotAcknowledged(Exception):
    """A payload that Extauth didn't acknowledge in time, or for which it returned an error."""


class Delivery(Protocol):
    """A way to reach Extauth."""

    async def deliver(self, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Deliver a payload (`slash_commands`, `interactive` or `events_api`), and return its acknowledgement.

        Raises NotAcknowledged.
        """
        ...


class SocketMode:
    """The open WebSockets of Extauth's processes. Each payload goes to one WebSocket, in turn."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tickets: set[str] = set()
        self._sockets: list[web.WebSocketResponse] = []
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._silent: set[web.WebSocketResponse] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.most_connections = MOST_CONNECTIONS
        self.ignores_close = False
        self.is_blocked = False
        """True to respond with 403 at the WebSocket's address, like a proxy that doesn't allow WebSockets."""
        self.delivered: Counter[web.WebSocketResponse] = Counter()
        """The number of envelopes sent over each connection."""

    def add_to(self, server: web.Application) -> None:
        """Serve the WebSocket's address."""
        server.router.add_get("/link/", self._socket)

    def new_ticket(self) -> str:
        """Return a ticket for one connection."""
        ticket = secrets.token_hex(12)
        self._tickets.add(ticket)
        return ticket

    @property
    def open_connections(self) -> int:
        return len(self._sockets)

    async def deliver(self, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send an envelope and wait for its acknowledgement. Raises NotAcknowledged."""
        return await self.send(f"{secrets.token_hex(8)}-{self._state.number()}", kind, payload)

    async def send(self, envelope_id: str, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send an envelope with the given ID, so that a test can repeat an envelope. Raises NotAcknowledged."""
        reached = [socket for socket in self._sockets if socket not in self._silent]
        if not reached:
            raise NotAcknowledged("no bot is connected")
        envelope = {"envelope_id": envelope_id, "type": kind, "accepts_response_payload": True, "payload": payload}
        answer = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        socket = reached[0]
        self._sockets.remove(socket)
        self._sockets.append(socket)
        self.delivered[socket] += 1
        started = time.perf_counter()
        try:
            await socket.send_str(json.dumps(envelope))
            acknowledgement: dict[str, Any] = await asyncio.wait_for(answer, ACKNOWLEDGE_SECONDS)
        except (TimeoutError, ConnectionError):
            raise NotAcknowledged("no acknowledgement within three seconds") from None
        finally:
            self._waiting.pop(envelope_id, None)
        self._state.record("bot", "acknowledgement", acknowledgement, (time.perf_counter() - started) * 1000)
        return acknowledgement

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask Extauth to renew its connections, as Slack does every few hours. Old ones end ten seconds later."""
        for socket in list(self._sockets):
            await self._tell_to_leave(socket, reason)
            ending = asyncio.ensure_future(self._end_later(socket))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def switch_off(self) -> None:
        """Turn Socket Mode off in the app's settings, which ends connections. `failures` can refuse new connections."""
        for socket in list(self._sockets):
            await self._tell_to_leave(socket, "link_disabled")
            await socket.close()

    def fall_silent(self, count: int) -> None:
        """Stop sending over `count` connections without ending them. Even pings get no response."""
        self._silent.update(self._sockets[:count])

    async def drop(self) -> None:
        """Break every connection without a `disconnect`."""
        for ending in list(self._ending):
            ending.cancel()
        for socket in list(self._sockets):
            await socket.close(code=1011)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self.is_blocked:
            return web.Response(status=403)
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoclose=not self.ignores_close, autoping=False)
        await socket.prepare(request)
        if len(self._sockets) >= self.most_connections:
            await self._tell_to_leave(socket, "too_many_websockets")
            await socket.close()
            return socket
        self._sockets.append(socket)
        self.connections += 1
        await socket.send_str(
            json.dumps(
                {
                    "type": "hello",
                    "num_connections": len(self._sockets),
                    "connection_info": {"app_id": APP_ID},
                    "debug_info": {"approximate_connection_time": 18060},
                }
            )
        )
        self._state.changed()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledged(message.data)
                elif message.type is WSMsgType.PING and socket not in self._silent:
                    await socket.pong(message.data)
            if self.ignores_close:
                await self._state.over.wait()
        finally:
            self._sockets.remove(socket)
            self._silent.discard(socket)
            self._state.changed()
        return socket

    async def _tell_to_leave(self, socket: web.WebSocketResponse, reason: str) -> None:
        await socket.send_str(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}))

    async def _end_later(self, socket: web.WebSocketResponse) -> None:
        await self._state.clock.sleep(LEAVE_SECONDS)
        await socket.close()

    def _acknowledged(self, text: str) -> None:
        answer = json.loads(text)
        waiting = self._waiting.get(str(answer.get("envelope_id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer.get("payload") or {})


@dataclass
class SignedHttp:
    """Requests to Extauth's address, signed with the app's secret."""

    state: State
    session: aiohttp.ClientSession
    url: str

    async def deliver(self, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return its acknowledgement. Raises NotAcknowledged."""
        timestamp = str(int(self.state.clock.now()))
        if kind == "events_api":
            body, content_type = json.dumps(payload), "application/json"
        else:
            fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body, content_type = urlencode(fields), "application/x-www-form-urlencoded"
        signature = SignatureVerifier(self.state.signing_secret).generate_signature(timestamp=timestamp, body=body)
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": str(signature),
        }
        started = time.perf_counter()
        timeout = aiohttp.ClientTimeout(total=ACKNOWLEDGE_SECONDS)
        try:
            async with self.session.post(self.url, data=body, headers=headers, timeout=timeout) as response:
                text = await response.text()
                if response.status != 200:
                    raise NotAcknowledged(f"HTTP {response.status}")
        except (TimeoutError, aiohttp.ClientError) as error:
            raise NotAcknowledged(type(error).__name__) from None
        answer = json.loads(text) if text.startswith("{") else {}
        self.state.record("bot", "acknowledgement", answer, (time.perf_counter() - started) * 1000)
        return dict(answer)
