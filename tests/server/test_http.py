"""HTTP's own troubles: forged requests, odd bodies, slow clients, a taken port."""

import asyncio
import contextlib
import hashlib
import hmac
import io
import json
import time
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import pytest

from bot import settings
from bot.clock import SystemClock
from bot.sandbox.run import variables
from bot.sandbox.slack.delivery import SignedHttp
from bot.server import StartError
from bot.server.http import HttpReceiver
from bot.server.lifecycle import Receiver, serve
from bot.server.web import MAX_BODY
from tests.bot_process import simulated_slack
from tests.harness import ADMIN, Harness, open_harness

FORM = "application/x-www-form-urlencoded"


def signed(harness: Harness, body: bytes, at: float | None = None) -> dict[str, str]:
    """The headers of a genuine request."""
    timestamp = str(int(harness.clock.now() if at is None else at))
    digest = hmac.new(harness.state.signing_secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest.hexdigest()}",
        "Content-Type": FORM,
    }


def port_of(harness: Harness) -> int:
    """The port that the bot listens on."""
    assert isinstance(harness.workspace.delivery, SignedHttp)
    return int(harness.workspace.delivery.url.split(":")[2].split("/")[0])


def command(harness: Harness, **changes: str) -> dict[str, str]:
    """The form of a slash command."""
    return {
        "command": "/extauth",
        "text": "get EtGoogle0001",
        "user_id": ADMIN,
        "team_id": "T0SANDBOX",
        "trigger_id": harness.state.new_trigger(ADMIN),
        "response_url": harness.slack.base_url + harness.state.new_response_url("commands", ADMIN, "C0GENERAL"),
        **changes,
    }


class Client:
    """Posts to the bot's address as anyone can."""

    def __init__(self, harness: Harness, session: aiohttp.ClientSession) -> None:
        assert isinstance(harness.workspace.delivery, SignedHttp)
        self.harness = harness
        self.session = session
        self.url = harness.workspace.delivery.url
        harness.state.traffic.clear()

    async def post(self, body: bytes, headers: dict[str, str]) -> int:
        async with self.session.post(self.url, data=body, headers=headers) as response:
            return response.status

    def outgoing(self) -> list[str]:
        """Return the bot's requests to Slack since then."""
        return [exchange.kind for exchange in self.harness.state.traffic if exchange.direction == "bot"]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with open_harness("http") as harness, aiohttp.ClientSession() as session:
        yield Client(harness, session)


BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"7",
    b"[" * 40_000,
    b'{"a":' * 40_000,
    b'{"team":5}',
    b'{"type":"block_actions"}',
    b'{"type":["block_actions"]}',
    b"\xff\xfe",
    b"payload=",
    b"payload=null",
    b"payload=[]",
    b"payload=%7B",
    b"payload=" + b"[" * 40_000,
    b"payload=%7B%22type%22%3A%22view_submission%22%2C%22view%22%3A5%7D",
    b"command=/extauth",
    b"command=/extauth&user_id=U0ADMIN&team_id=&trigger_id=1&response_url=x",
    b"command=/extauth&user_id=U%00&team_id=T1&trigger_id=1&response_url=x",
    b"&".join(b"a=%d" % number for number in range(1000)),
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
async def test_what_is_malformed_gets_401_unsigned_and_400_signed(
    client: Client, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert await client.post(body, {"Content-Type": FORM}) == 401
    assert await client.post(body, {"Content-Type": "application/json; charset=punycode"}) == 401
    assert await client.post(body, signed(client.harness, body)) == 400
    as_json = {**signed(client.harness, body), "Content-Type": "application/json; charset=nonsense"}
    assert await client.post(body, as_json) == 400
    assert client.outgoing() == []
    assert [record for record in caplog.records if record.levelname == "ERROR" or record.exc_info] == []


def _wrong_headers(harness: Harness, body: bytes) -> list[dict[str, str]]:
    good, now = signed(harness, body), harness.clock.now()
    return [
        {},
        {**good, "X-Slack-Signature": ""},
        {**good, "X-Slack-Signature": "v0=" + "0" * 64},
        {**good, "X-Slack-Signature": good["X-Slack-Signature"].upper()},
        {**good, "X-Slack-Signature": good["X-Slack-Signature"][:-1]},
        {**good, "X-Slack-Signature": "v0=" + "\u00e4" * 64},
        {**good, "X-Slack-Request-Timestamp": ""},
        {**good, "X-Slack-Request-Timestamp": "soon"},
        {**good, "X-Slack-Request-Timestamp": "nan"},
        {**good, "X-Slack-Request-Timestamp": "-1"},
        {**good, "X-Slack-Request-Timestamp": "\u0663"},
        {**good, "X-Slack-Request-Timestamp": "9" * 4000},
        signed(harness, body + b" "),
        signed(harness, body, now - 301),
        signed(harness, body, now + 301),
    ]


async def test_what_is_not_signed_by_slack_now_is_turned_away(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    form = command(client.harness, response_url="http://127.0.0.1:9/attacker", text="gho_16C7e42F292c6912E7710c838347")
    body = urlencode(form).encode()
    for headers in _wrong_headers(client.harness, body):
        assert await client.post(body, {"Content-Type": FORM, **headers}) == 401, headers
    assert client.outgoing() == []
    assert "gho_16C7" not in caplog.text
    lines = [record for record in caplog.records if record.name.startswith("bot.")]
    assert [line.message for line in lines] == ["requests were rejected"]


async def test_the_signature_is_over_the_bytes_as_they_come(client: Client) -> None:
    for age in (-299, 0, 299):
        body = urlencode(command(client.harness)).encode()
        headers = signed(client.harness, body, client.harness.clock.now() + age)
        assert await client.post(body, {**headers, "Content-Type": "text/plain; charset=punycode"}) == 200
    await client.harness.state.until(lambda: len(client.harness.workspace.messages(ADMIN)) == 3)


async def test_a_body_in_another_charset_or_compressed_is_not_decoded(client: Client) -> None:
    body = urlencode(command(client.harness)).encode("utf-16")
    assert await client.post(body, {**signed(client.harness, body), "Content-Type": f"{FORM}; charset=utf-16"}) == 400
    assert await client.post(body, {**signed(client.harness, body), "Content-Encoding": "gzip"}) == 400


async def test_a_large_body_is_refused_unread(client: Client) -> None:
    headers = {"Content-Type": f"{FORM}; charset=punycode"}
    started = time.perf_counter()
    async with client.session.post(client.url, data=io.BytesIO(b"x" * MAX_BODY), headers=headers) as response:
        assert response.status == 401
    # The connection may break before a client that is still sending reads the answer.
    with contextlib.suppress(aiohttp.ClientError):
        async with client.session.post(client.url, data=io.BytesIO(b"x" * (MAX_BODY + 1)), headers=headers) as response:
            assert response.status == 413
    # Decoded as its sender says, the first alone took 15 seconds.
    assert time.perf_counter() - started < 5
    assert client.outgoing() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
        ("HEAD", "/health/live", 200),
        ("HEAD", "/health/ready", 200),
        ("HEAD", "/metrics", 200),
        ("POST", "/health", 405),
        ("GET", "/slack/events", 405),
        ("POST", "/", 404),
    ],
)
async def test_other_addresses(client: Client, method: str, path: str, status: int) -> None:
    url = client.url.replace("/slack/events", path)
    async with client.session.request(method, url) as response:
        assert response.status == status


async def test_what_only_slack_can_send_but_the_bot_does_not_know_is_no_error(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    state = client.harness.state
    who = {"user": {"id": ADMIN}, "team": {"id": "T0SANDBOX"}, "trigger_id": "1"}
    click = {
        "type": "block_actions",
        "actions": [{"action_id": "unknown"}],
        "response_url": client.harness.slack.base_url + state.new_response_url("actions", ADMIN, "C0GENERAL"),
        **who,
    }
    body = urlencode({"payload": json.dumps(click)}).encode()
    assert await client.post(body, signed(client.harness, body)) == 200
    await state.until(lambda: bool(client.harness.workspace.messages(ADMIN)))
    challenge = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    async with client.session.post(client.url, data=challenge, headers=signed(client.harness, challenge)) as response:
        assert (response.status, await response.json()) == (200, {"challenge": "abc"})
    assert "response_url" not in caplog.text


async def test_slack_s_check_of_the_certificate_is_answered_unsigned_and_does_nothing(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for body in (b"ssl_check=1&token=an-old-token", urlencode({**command(client.harness), "ssl_check": "1"}).encode()):
        assert await client.post(body, {"Content-Type": FORM}) == 200
    for body in (b"ssl_check=0", b"ssl_check=11", b"xssl_check=1"):
        assert await client.post(body, {"Content-Type": FORM}) == 401
    assert client.outgoing() == []
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "app_rate_limited", "team_id": "T0SANDBOX"},
        {"type": "event_callback", "event": {"type": "team_access_revoked", "team_ids": ["T0SANDBOX"]}},
        {"type": "event_callback", "event": {"type": "app_uninstalled"}},
        {"type": "event_callback", "event": {"type": "user_change", "user": {"id": "U0ADMIN"}}},
        {"type": "view_submission", "user": {"id": ADMIN}, "view": {"id": "V1", "type": "workflow_step"}},
        {"type": "view_submission", "user": {"id": ADMIN}, "view": {"id": "V1", "type": "modal", "state": {}}},
    ],
)
async def test_what_slack_sends_unasked_is_acknowledged_without_an_error(
    client: Client, payload: object, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps(payload).encode()
    assert await client.post(body, signed(client.harness, body)) == 200
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR" or record.exc_info]


async def test_a_response_url_that_is_not_slacks_is_never_used_and_both_hosts_are_named(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for url in (
        "http://127.0.0.1:9/x",
        "https://evil.example/",
        "https://slack.com.evil.example/",
        "https://u@slack.com/",
    ):
        body = urlencode(command(client.harness, response_url=url)).encode()
        assert await client.post(body, signed(client.harness, body)) == 200
    assert client.outgoing() == []
    ours = client.harness.slack.base_url.removeprefix("http://")
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert [f"SLACK_API_URL is at {ours}." in line for line in told] == [True] * 4
    for host, line in zip(("127.0.0.1:9", "evil.example", "slack.com.evil.example", "slack.com"), told, strict=True):
        assert f"ask for answers at {host}, but" in line


@pytest.mark.slow
async def test_a_slow_body_is_given_up(client: Client) -> None:
    host, port = "127.0.0.1", port_of(client.harness)
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
    async with asyncio.timeout(10):
        assert b"408" in await reader.readline()
    writer.close()


async def test_a_taken_port_is_one_line() -> None:
    async with simulated_slack() as slack:
        stop = asyncio.Event()
        ready: asyncio.Future[Receiver] = asyncio.get_running_loop().create_future()
        first = asyncio.ensure_future(
            serve(settings.read(variables(slack)), "http", SystemClock(), stop, ready.set_result)
        )
        receiver = await ready
        assert isinstance(receiver, HttpReceiver)
        configured = settings.read({**variables(slack), "PORT": str(receiver.port)})
        with pytest.raises(StartError, match="Set PORT to another one"):
            await serve(configured, "http", SystemClock(), asyncio.Event())
        stop.set()
        await first
