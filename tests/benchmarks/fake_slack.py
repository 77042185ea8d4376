"""A Slack that costs next to nothing: it reads what it must, and its answers are bytes made beforehand."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, cast

from aiohttp import WSMsgType, web

TEAM, PERSON, TOKEN_ID = "T0BENCH", "U0BENCH", "EtBench0001"
VARIABLES = {
    "SLACK_BOT_TOKEN": "xoxb-benchmark-0123456789",
    "SLACK_APP_TOKEN": "xapp-1-A0BENCH-0123456789",
    "SLACK_SIGNING_SECRET": "0123456789abcdef" * 2,
}
_FETCHED = b"Token fetched"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def _response(body: object) -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


_ANSWERS = {
    b"auth.test": _response(
        {"ok": True, "url": "https://bench.slack.com/", "team": "Bench", "team_id": TEAM, "user_id": "U0BOT"}
        | {"user": "extauth", "bot_id": "B0BENCH", "is_enterprise_install": False}
    ),
    b"users.info": _response(
        {"ok": True, "user": {"id": PERSON, "team_id": TEAM, "is_admin": True, "is_restricted": False}}
    ),
    b"apps.auth.external.get": _response({"ok": True, "external_token": "ya29.benchmark-0123456789"}),
}
_NO_SUCH_METHOD = _response({"ok": False, "error": "unknown_method"})
_TAKEN = _response({"ok": True})


class FakeSlack:
    """Start it with `async with`. `delay` is how long the call for a token takes, in seconds.

    `on_acknowledged` and `on_answered` are told of each command, by its number, at the moment it happens.
    """

    def __init__(self) -> None:
        self.delay = 0.0
        self.calls: Counter[str] = Counter()
        self.other_messages: Counter[bytes] = Counter()
        """What was posted that isn't the answer: that it takes longer, or that something went wrong."""
        self.on_acknowledged: Callable[[int], None] = _ignore
        self.on_answered: Callable[[int], None] = _ignore
        self.connected = asyncio.Event()
        self.base_url = ""
        self._socket: web.WebSocketResponse | None = None

    async def __aenter__(self) -> "FakeSlack":
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), "127.0.0.1", 0, backlog=4096
        )
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._runner = web.ServerRunner(web.Server(self._serve_socket))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        opened = _response({"ok": True, "url": f"ws://127.0.0.1:{port}/link/?ticket=benchmark"})
        self.answers = {**_ANSWERS, b"apps.connections.open": opened}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._runner.cleanup()

    def command(self, number: int) -> dict[str, str]:
        """The payload of a command, as Slack sends it. https://docs.slack.dev/interactivity/implementing-slash-commands"""
        return {
            "token": "benchmark",
            "team_id": TEAM,
            "team_domain": "bench",
            "channel_id": "C0BENCH",
            "channel_name": "general",
            "user_id": PERSON,
            "user_name": "bench",
            "command": "/extauth",
            "text": f"get {TOKEN_ID}",
            "api_app_id": "A0BENCH",
            "is_enterprise_install": "false",
            "response_url": f"{self.base_url}/commands/{TEAM}/{number}/0123456789abcdefghijklmn",
            "trigger_id": f"{number}.0123456789.0123456789abcdef0123456789abcdef",
        }

    async def send(self, numbers: range) -> None:
        """Send commands over Socket Mode, as fast as they are taken."""
        socket = self._socket
        assert socket is not None
        for number in numbers:
            envelope: dict[str, Any] = {"envelope_id": f"envelope-{number}", "payload": self.command(number)}
            envelope |= {"type": "slash_commands", "accepts_response_payload": True}
            await socket.send_str(json.dumps(envelope))

    async def _serve_socket(self, request: web.BaseRequest) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(json.dumps({"type": "hello", "num_connections": 1}))
        self._socket = socket
        self.connected.set()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                envelope_id: str = json.loads(message.data).get("envelope_id", "")
                if envelope_id:
                    self.on_acknowledged(int(envelope_id.removeprefix("envelope-")))
        self.connected.clear()
        return socket


class _Connection(asyncio.Protocol):
    """One connection of the contender's: a request at a time, each answered with bytes made beforehand."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[:end]
        length = _LENGTH.search(head)
        total = end + 4 + (int(length[1]) if length else 0)
        if len(self._received) >= total:
            path, body = head.split(b" ", 2)[1], self._received[end + 4 : total]
            self._received = self._received[total:]
            self._answer(path.split(b"?")[0].split(b"/")[1:], body)

    def _answer(self, path: list[bytes], body: bytes) -> None:
        slack = self._slack
        if path[0] == b"commands":
            self._transport.write(_TAKEN)
            if _FETCHED in body:
                slack.on_answered(int(path[2]))
            else:
                slack.other_messages[body] += 1
            return
        method = path[1]
        slack.calls[method.decode()] += 1
        answer = slack.answers.get(method, _NO_SUCH_METHOD)
        if method == b"apps.auth.external.get" and slack.delay:
            asyncio.get_running_loop().call_later(slack.delay, self._write, answer)
        else:
            self._transport.write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _ignore(_: Any) -> None:
    """Nobody wants to know."""
