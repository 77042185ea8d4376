"""A flood of requests that aren't Slack's, with honest commands in between. `make flood` sends 100,000 of them."""

import asyncio
import hashlib
import hmac
import json
import os
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from bot.sandbox.slack.delivery import SignedHttp
from bot.sandbox.slack.server import SimulatedSlack
from bot.server.http import PATH, SMALL_BODY
from bot.server.payloads import MalformedPayload, parse_payload
from bot.server.web import MAX_BODY
from tests.bot_process import BotProcess, bot_process, simulated_slack
from tests.harness import ADMIN

REQUESTS = int(os.environ.get("EXTAUTH_TEST_FLOOD", "2000"))
AT_ONCE = 8
UNFINISHED = 2000

COMMAND = {
    "command": "/extauth",
    "text": "get Et1",
    "user_id": "U1",
    "team_id": "T1",
    "trigger_id": "1.2.abc",
    "response_url": "http://127.0.0.1:9/commands/T1/2/x",
}
VIEW = {"id": "V1", "type": "modal", "callback_id": "extauth_get", "private_metadata": "{}", "state": {"values": {}}}
WHO = {"user": {"id": "U1"}, "team": {"id": "T1"}, "trigger_id": "1.2.abc"}
PAYLOADS: list[dict[str, Any]] = [
    {**COMMAND},
    {"type": "block_actions", "actions": [{"action_id": "token_show", "value": "{}"}], "response_url": "x", **WHO},
    {"type": "block_actions", "actions": [{"action_id": "choice"}], "view": VIEW, **WHO},
    {"type": "view_submission", "view": VIEW, **WHO},
    {"type": "shortcut", "callback_id": "external_tokens", **WHO},
    {"type": "event_callback", "team_id": "T1", "event": {"type": "app_home_opened", "user": "U1", "tab": "home"}},
]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    return (
        [path, *(found for name in value for found in _paths(value[name], (*path, name)))]
        if isinstance(value, dict)
        else [path]
    )


@st.composite
def odd_payloads(draw: st.DrawFn) -> Any:
    """A real payload in which something is missing or of another kind."""
    payload = json.loads(json.dumps(draw(st.sampled_from(PAYLOADS))))
    for path in draw(st.lists(st.sampled_from(_paths(payload)), min_size=1, max_size=3)):
        if not path:
            return draw(JSON)
        place = payload
        for name in path[:-1]:
            place = place.get(name) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            continue
        if draw(st.booleans()):
            place.pop(path[-1], None)
        else:
            place[path[-1]] = draw(JSON)
    return payload


def _is_malformed(payload: Any) -> bool:
    try:
        parse_payload(payload)
    except MalformedPayload:
        return True
    return False


def malformed_payloads(count: int) -> list[Any]:
    """Payloads that are none of Slack's."""
    found: list[Any] = []

    @seed(20261124)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(odd_payloads().filter(_is_malformed))
    def collect(payload: Any) -> None:
        found.append(payload)

    collect()
    return found


@dataclass
class Flood:
    """Sends requests as an attacker would, and notes what came back."""

    slack: SimulatedSlack
    port: int
    payloads: list[Any]
    chance: random.Random
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def request(self) -> bytes:
        """One request: forged, replayed, truncated, or signed and malformed."""
        chance = self.chance
        payload = chance.choice(self.payloads)
        text = json.dumps(payload)
        body = (urlencode({"payload": text}) if chance.random() < 0.5 else text).encode()
        kind = chance.choice(["unsigned", "forged", "old", "signed", "signed", "cut", "bytes", "odd header"])
        if kind == "bytes":
            body = chance.randbytes(chance.randrange(200))
        at = time.time() - (chance.randrange(301, 10**6) if kind == "old" else 0)
        headers = {
            "Host": "x",
            "Content-Type": chance.choice(["application/json", "text/plain; charset=punycode", "x"]),
        }
        if kind != "unsigned":
            headers |= self._signature(body, at)
        if kind == "forged":
            headers["X-Slack-Signature"] = f"v0={chance.randbytes(32).hex()}"
        if kind == "odd header":
            name = chance.choice(["X-Slack-Request-Timestamp", "X-Slack-Signature"])
            headers[name] = chance.choice(["", "nan", "9" * 50, "v0=" + "\u00e4" * 64, "soon", "-1"])
        if kind == "cut":
            body = body[: len(body) // 2] or b"x"
        lines = [f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("utf-8") + body

    def _signature(self, body: bytes, at: float) -> dict[str, str]:
        timestamp = str(int(at))
        signed = f"v0:{timestamp}:".encode() + body
        digest = hmac.new(self.slack.state.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}

    async def send(self, count: int) -> None:
        """Send so many requests over one connection after the other."""
        reader: asyncio.StreamReader | None = None
        writer: asyncio.StreamWriter | None = None
        for _ in range(count):
            if writer is None or reader is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            request = self.request()
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            self.seconds.append(time.perf_counter() - started)
            self.statuses[int(head.split()[1])] += 1
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")), 0)
            await reader.readexactly(length)
            if b"Connection: close" in head:
                writer.close()
                reader = writer = None
        if writer is not None:
            writer.close()


def _megabytes(bot: BotProcess) -> float:
    status = Path(f"/proc/{bot.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


async def _honest(slack: SimulatedSlack, flooding: asyncio.Future[Any]) -> int:
    """Type a command now and then while the flood lasts. Returns how many were typed."""
    count = 0
    while not flooding.done() or count == 0:
        assert await slack.workspace.command(ADMIN, "/extauth help"), "an honest command was not acknowledged"
        count += 1
        await asyncio.sleep(0.1)
    await slack.state.until(lambda: len(slack.workspace.messages(ADMIN)) == count)
    return count


@pytest.mark.flood
async def test_strangers_cost_next_to_nothing_and_keep_nobody_out() -> None:
    payloads = malformed_payloads(min(2000, REQUESTS // 4))
    async with simulated_slack() as slack, bot_process("http", slack) as bot:
        slack.web_api.rate_limits.is_on = False
        assert isinstance(slack.workspace.delivery, SignedHttp)
        port = int(slack.workspace.delivery.url.split(":")[2].split("/")[0])
        flood = Flood(slack, port, payloads, random.Random(7))
        await flood.send(REQUESTS // 10)
        await slack.workspace.command(ADMIN, "/extauth help")
        await slack.state.until(lambda: len(slack.workspace.messages(ADMIN)) == 1)
        slack.state.messages.clear()
        memory, printed = _megabytes(bot), len(bot.output)
        slack.state.traffic.clear()

        each = REQUESTS // AT_ONCE
        flooding = asyncio.gather(*(flood.send(each) for _ in range(AT_ONCE)))
        honest = await _honest(slack, flooding)
        await flooding

        assert set(flood.statuses) <= {400, 401}, flood.statuses
        outgoing = Counter(exchange.kind for exchange in slack.state.traffic if exchange.direction == "bot")
        assert outgoing.pop("response_url") == honest
        assert set(outgoing) <= {"acknowledgement", "users.info"}, outgoing
        assert _megabytes(bot) - memory < 12
        said = bot.output[printed:]
        assert "Traceback" not in said
        assert '"error"' not in said
        assert len(said) < 3000, said[:3000]
        flood.seconds.sort()
        slowest = flood.seconds[-1] * 1000
        typical = flood.seconds[len(flood.seconds) // 2] * 1000
        print(f"\n{len(flood.seconds):,} requests: half within {typical:.1f} ms, the slowest {slowest:.0f} ms")
        assert slowest < 50


def _unfinished(chance: random.Random) -> bytes:
    """A request of which something is missing: the end of its body, of its chunks, or of its headers."""
    kind = chance.choice(["body", "chunks", "headers", "many headers", "endless headers", "ahead"])
    start = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n"
    if kind == "body":
        size = chance.choice([1000, SMALL_BODY, SMALL_BODY + 1, MAX_BODY])
        return f"{start}Content-Length: {size}\r\n\r\n".encode() + b"x" * (size - 1)
    if kind == "chunks":
        return f"{start}Transfer-Encoding: chunked\r\n\r\n{MAX_BODY:x}\r\n".encode() + b"x" * (MAX_BODY - 1)
    if kind == "headers":
        return f"{start}X: {'x' * 7000}".encode()
    if kind == "many headers":
        return start.encode() + b"".join(f"X{number}: {'x' * 8000}\r\n".encode() for number in range(120))
    if kind == "endless headers":
        return start.encode() + b"X: x\r\n" * 50_000
    return b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n" * 5000  # whose answers nobody reads


async def _hold(port: int, sent: bytes, until: asyncio.Event) -> None:
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        await until.wait()
        writer.close()
        del reader


@contextmanager
def _container(pid: int, megabytes: int) -> Iterator[bool]:
    """Give a process no more memory than a container of this size has. Yields whether this machine lets us."""
    root = Path("/sys/fs/cgroup")
    is_first_version = (root / "memory").is_dir()
    group = (root / "memory" if is_first_version else root) / f"extauth-{pid}"
    limit = "memory.limit_in_bytes" if is_first_version else "memory.max"
    try:
        group.mkdir()
        (group / limit).write_text(str(megabytes << 20))
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        print(f"without a limit of memory, since this machine has no cgroups for us: {error}")
        yield False
        return
    try:
        yield True
    finally:
        (group.parent / "cgroup.procs").write_text(str(pid))
        group.rmdir()


@pytest.mark.flood
async def test_what_is_never_finished_fills_no_memory() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * UNFINISHED, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    async with simulated_slack() as slack, bot_process("http", slack) as bot:
        assert isinstance(slack.workspace.delivery, SignedHttp)
        port = int(slack.workspace.delivery.url.split(":")[2].split("/")[0])
        chance, over, peak = random.Random(11), asyncio.Event(), 0.0
        with _container(bot.process.pid, 512) as is_limited:
            holding = [asyncio.ensure_future(_hold(port, _unfinished(chance), over)) for _ in range(UNFINISHED)]
            for _ in range(40):
                await asyncio.sleep(0.2)
                peak = max(peak, _megabytes(bot))
            over.set()
            await asyncio.gather(*holding)
            where = "in a container of 512 MiB" if is_limited else "without a limit"
            print(f"{UNFINISHED:,} unfinished requests {where}: {peak:.0f} MB at most")
            assert peak < 200
            # As soon as they are gone, Slack gets through.
            assert any([await slack.workspace.command(ADMIN, "/extauth help") for _ in range(5)])
