"""A Slack that costs next to nothing: it reads what it must, and its answers are bytes."""

import asyncio
import json
import re
import ssl
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, cast

from aiohttp import WSMsgType, web

TEAM, TOKEN_ID = "T0BENCH", "EtBench0001"
PEOPLE = 10
"""How many people of each workspace type commands."""
VARIABLES = {
    "SLACK_BOT_TOKEN": f"xoxb-{TEAM}-0123456789",
    "SLACK_APP_TOKEN": "xapp-1-A0BENCH-0123456789",
    "SLACK_SIGNING_SECRET": "0123456789abcdef" * 2,
}
_FETCHED = b"Token fetched"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BOT_TOKEN = re.compile(rb"xoxb-(T\w+)-")
_USER = re.compile(rb"\buser=(U\w+)")
_CODE = re.compile(rb"\bcode=(\w+)")


def _response(body: object) -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


_FETCH = b"apps.auth.external.get"
_TOKEN = _response({"ok": True, "external_token": "ya29.benchmark-0123456789"})
_TAKEN = _response({"ok": True})


def _found(pattern: re.Pattern[bytes], request: bytes) -> str:
    found = pattern.search(request)
    return found[1].decode() if found else ""


def _answer(method: bytes, request: bytes) -> dict[str, Any]:
    """The answer to a call. Which workspace it's for, its bot token says."""
    team = _found(_BOT_TOKEN, request)
    if method == b"auth.test":
        bot = {"user": "extauth", "user_id": "U0BOT", "bot_id": "B0BENCH", "is_enterprise_install": False}
        return {"ok": True, "url": "https://bench.slack.com/", "team": "Bench", "team_id": team, **bot}
    if method == b"users.info":
        person = {"id": _found(_USER, request), "team_id": team, "is_admin": True, "is_restricted": False}
        return {"ok": True, "user": person}
    if method == b"oauth.v2.access":
        team = _found(_CODE, request)
        token = {"token_type": "bot", "access_token": f"xoxb-{team}-0123456789", "scope": "commands,users:read"}
        where = {"team": {"id": team, "name": team}, "enterprise": None, "is_enterprise_install": False}
        people = {"bot_user_id": "U0BOT", "authed_user": {"id": "U0BENCH0"}}
        return {"ok": True, "app_id": "A0BENCH", **token, **where, **people}
    if method == b"api.test":
        return {"ok": True}
    return {"ok": False, "error": "unknown_method"}


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
        self.link = ""
        """Where Socket Mode connects."""
        self._servers: list[asyncio.Server] = []
        self._socket: web.WebSocketResponse | None = None

    async def __aenter__(self) -> "FakeSlack":
        self.base_url = f"http://127.0.0.1:{await self.listen()}"
        self._runner = web.ServerRunner(web.Server(self._serve_socket))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.link = f"ws://127.0.0.1:{self._runner.addresses[0][1]}/link/?ticket=benchmark"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        await self._runner.cleanup()

    async def listen(self, tls: ssl.SSLContext | None = None) -> int:
        """Serve the Web API and the response URLs on one more port, and return that."""
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), "127.0.0.1", 0, backlog=4096, ssl=tls
        )
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def command(self, number: int, team: str = TEAM, person: int = 0) -> dict[str, str]:
        """The payload of a command, as Slack sends it. https://docs.slack.dev/interactivity/implementing-slash-commands"""
        return {
            "token": "benchmark",
            "team_id": team,
            "team_domain": "bench",
            "channel_id": "C0BENCH",
            "channel_name": "general",
            "user_id": f"U0BENCH{person}",
            "user_name": "bench",
            "command": "/extauth",
            "text": f"get {TOKEN_ID}",
            "api_app_id": "A0BENCH",
            "is_enterprise_install": "false",
            "response_url": f"{self.base_url}/commands/{team}/{number}/0123456789abcdefghijklmn",
            "trigger_id": f"{number}.0123456789.0123456789abcdef0123456789abcdef",
        }

    async def send(self, numbers: range) -> None:
        """Send commands over Socket Mode, as fast as they are taken."""
        socket = self._socket
        assert socket is not None
        for number in numbers:
            payload = self.command(number, person=number % PEOPLE)
            envelope: dict[str, Any] = {"envelope_id": f"envelope-{number}", "payload": payload}
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
    """One connection of the contender's: a request at a time."""

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
        length = _LENGTH.search(self._received, 0, end)
        total = end + 4 + (int(length[1]) if length else 0)
        if len(self._received) >= total:
            request, self._received = self._received[:total], self._received[total:]
            self._serve(request.split(b" ", 2)[1].split(b"?")[0].split(b"/")[1:], request)

    def _serve(self, path: list[bytes], request: bytes) -> None:
        slack = self._slack
        if path[0] == b"commands":
            self._transport.write(_TAKEN)
            if _FETCHED in request:
                slack.on_answered(int(path[2]))
            else:
                slack.other_messages[request.partition(b"\r\n\r\n")[2]] += 1
            return
        method = path[1]
        slack.calls[method.decode()] += 1
        if method == _FETCH:
            asyncio.get_running_loop().call_later(slack.delay, self._write, _TOKEN)
        elif method == b"apps.connections.open":
            self._write(_response({"ok": True, "url": slack.link}))
        else:
            self._write(_response(_answer(method, request)))

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _ignore(_: Any) -> None:
    """Nobody wants to know."""
