"""Sends commands to a contender, and notes when each was sent, acknowledged and answered."""

import asyncio
import hashlib
import hmac
import math
import time
from collections.abc import Sequence
from urllib.parse import urlencode

from tests.benchmarks.fake_slack import PEOPLE, TEAM, VARIABLES, FakeSlack

_PATIENCE = 120.0
_LATEST = 5.0


class Load:
    """The commands of one process's life, numbered. Times are by `time.perf_counter`."""

    def __init__(self, slack: FakeSlack, port: int) -> None:
        self._slack = slack
        self._port = port
        self._number = 0
        self._done: dict[int, asyncio.Event] = {}
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.clear()
        slack.on_acknowledged = self._on_acknowledged
        slack.on_answered = self._on_answered

    def clear(self) -> None:
        """Forget the times of what was sent so far."""
        self.sent: dict[int, float] = {}
        self.acknowledged: dict[int, float] = {}
        self.answered: dict[int, float] = {}

    def to_acknowledged(self) -> list[float]:
        """How long each took to be acknowledged, in milliseconds."""
        return [(self.acknowledged[number] - sent) * 1000 for number, sent in self.sent.items()]

    def to_answered(self) -> list[float]:
        """How long each took to be answered, in milliseconds; infinite where it wasn't."""
        return [(self.answered.get(number, math.inf) - sent) * 1000 for number, sent in self.sent.items()]

    async def over_socket_mode(self, count: int) -> None:
        """Send so many at once. Each counts from the moment the first is sent, for all of them are due then."""
        numbers = self._next(count)
        now = time.perf_counter()
        self.sent |= dict.fromkeys(numbers, now)
        await self._slack.send(numbers)
        async with asyncio.timeout(_PATIENCE):
            for number in numbers:
                await self._done[number].wait()

    async def over_http(self, count: int, at_once: int) -> None:
        """Keep so many in progress until `count` are acknowledged and answered."""
        waiting = iter(self._next(count))

        async def work() -> None:
            for number in waiting:
                await self._deliver(number, time.perf_counter(), TEAM, number % PEOPLE)

        async with asyncio.timeout(_PATIENCE + count / 20), asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
        self._hang_up()

    async def at_rate(self, count: int, a_second: float, teams: Sequence[str]) -> None:
        """Send a command of each workspace in turn, however the ones before are. Each counts from when it's due.

        What isn't answered soon after the last one isn't waited for. A connection may fail.
        """
        start = time.perf_counter()
        tasks: set[asyncio.Task[None]] = set()
        for place, number in enumerate(self._next(count)):
            due = start + place / a_second
            await asyncio.sleep(due - time.perf_counter())
            turn, team = divmod(place, len(teams))
            tasks.add(asyncio.create_task(self._deliver(number, due, teams[team], turn % PEOPLE)))
        _, late = await asyncio.wait(tasks, timeout=_LATEST)
        for task in late:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, OSError | EOFError):
                raise result
        self._hang_up()

    async def _deliver(self, number: int, due: float, team: str, person: int) -> None:
        """Send one over a connection that's idle, or else a new one, and wait until it's answered."""
        self.sent[number] = due
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(self._request(self._slack.command(number, team, person)))
        head = await reader.readuntil(b"\r\n\r\n")
        self._on_acknowledged(number)
        assert head.startswith(b"HTTP/1.1 200"), head
        await reader.readexactly(_content_length(head))
        self._idle.append((reader, writer))
        await self._done[number].wait()

    def _hang_up(self) -> None:
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    def _next(self, count: int) -> range:
        numbers = range(self._number, self._number + count)
        self._number += count
        self._done = {number: asyncio.Event() for number in numbers}
        return numbers

    def _on_acknowledged(self, number: int) -> None:
        self.acknowledged[number] = time.perf_counter()
        self._is_done(number)

    def _on_answered(self, number: int) -> None:
        self.answered[number] = time.perf_counter()
        self._is_done(number)

    def _is_done(self, number: int) -> None:
        if number in self.acknowledged and number in self.answered:
            self._done[number].set()

    def _request(self, command: dict[str, str]) -> bytes:
        body = urlencode(command).encode()
        timestamp = str(int(time.time()))
        secret = VARIABLES["SLACK_SIGNING_SECRET"].encode()
        digest = hmac.new(secret, f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
        head = (
            f"POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\nAccept: application/json,*/*\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"X-Slack-Request-Timestamp: {timestamp}\r\nX-Slack-Signature: v0={digest}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def _content_length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
