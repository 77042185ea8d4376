"""What operators' tools see: probes that tell the truth and don't flap, and numbers that are exactly what happened."""

import asyncio
import contextlib
import re
import sqlite3
import subprocess
import time
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot import settings
from bot.audit.entries import AuditResult, Event
from bot.clock import SystemClock
from bot.metrics import METRICS, OTHER, Kind, Metrics
from bot.observers import OutcomeCounter
from bot.sandbox.run import variables
from bot.server import StartError
from bot.server.lifecycle import serve
from bot.server.readiness import ASK_SECONDS, IDLE_SECONDS, LOST_SECONDS, READ_SECONDS
from bot.settings import Transport
from bot.slack.calls import SlackHealth
from tests.audit_log import KEY
from tests.bot_process import simulated_slack
from tests.forked import run
from tests.harness import ADMIN, GUEST, Harness
from tests.operator import Operator, open_operator

GET = "apps.auth.external.get"
TRANSPORTS: list[Transport] = ["socket", "http"]


async def settled(harness: Harness, operator: Operator) -> None:
    """Wait until nobody is being answered: the answer is seen before the bot hears that it was taken."""
    in_flight = 1.0
    while in_flight:
        in_flight = (await operator.numbers())["extauth_tasks_in_flight"]


def execute(file: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as other:
        other.execute(statement)


def audit_command(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return run(["audit", *words], {"DATABASE_URL": url, "EXTAUTH_SECRET_KEY": KEY, "PATH": "/usr/bin:/bin"})


async def scripted_hour(operator: Operator) -> None:
    """Play an hour: six commands, one wait for Slack's limits, and something that isn't Slack's."""
    harness = operator.harness
    await harness.types("/extauth get EtGoogle0001")
    await harness.types("/extauth get EtErr.token_not_found")
    await harness.types("/extauth get EtErr.a_code_nobody_knows")
    await harness.types("/extauth get EtGoogle0001", GUEST)
    await harness.types("/extauth history")
    await settled(harness, operator)
    harness.clock.advance(1000)
    harness.slack.web_api.failures[GET] = "429-20"
    seen = {message.ts for message in harness.workspace.messages(ADMIN)}
    assert await harness.workspace.command(ADMIN, "/extauth get EtGitHub0001")
    await harness.clock.until_asleep(20)
    del harness.slack.web_api.failures[GET]
    harness.clock.advance(20)
    await harness.next_message(ADMIN, seen)
    await settled(harness, operator)
    if harness.transport == "http":
        async with aiohttp.ClientSession() as stranger, stranger.post(operator.base + "/slack/events") as response:
            assert response.status == 401
    else:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await harness.slack.socket_mode.send("envelope-1", "interactive", {"type": "block_actions"})
        await harness.slack.socket_mode.refresh()
        await harness.state.until(lambda: harness.slack.socket_mode.open_connections == 4)
        harness.clock.advance(10)
        await harness.state.until(lambda: harness.slack.socket_mode.open_connections == 2)
    harness.clock.advance(2580 if harness.transport == "http" else 2570)
    await operator.until_ready()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_scrape_after_a_scripted_hour_shows_exactly_the_scripted_numbers(
    transport: Transport,
) -> None:
    async with open_operator(transport) as operator:
        started = operator.harness.clock.now()
        if transport == "socket":
            await operator.harness.state.until(lambda: operator.harness.slack.socket_mode.open_connections == 2)
        await scripted_hour(operator)
        assert operator.harness.clock.now() == pytest.approx(started + 3600)
        numbers = await operator.numbers()
    expected = {
        "extauth_commands_total{get,fetched}": 2,
        "extauth_commands_total{get,failed}": 2,
        "extauth_commands_total{get,denied}": 1,
        "extauth_commands_total{history,read}": 1,
        "extauth_acknowledge_seconds_count": 6,
        "extauth_acknowledge_seconds_sum": 0,
        "extauth_answer_seconds_count": 6,
        "extauth_answer_seconds_sum": 20,
        # At the start, and in the end, because Slack had been quiet for long.
        "extauth_slack_calls_total{ok,auth.test}": 3,
        # The admin and the guest, and the admin again, whose standing had become too old.
        "extauth_slack_calls_total{ok,users.info}": 3,
        "extauth_slack_calls_total{ok,apps.auth.external.get}": 2,
        "extauth_slack_calls_total{token_not_found,apps.auth.external.get}": 1,
        "extauth_slack_calls_total{other,apps.auth.external.get}": 1,
        "extauth_slack_calls_total{ratelimited,apps.auth.external.get}": 1,
        # One of these says that it takes longer.
        "extauth_slack_calls_total{ok,response_url}": 7,
        "extauth_rate_limit_wait_seconds_count{apps.auth.external.get}": 1,
        "extauth_rate_limit_wait_seconds_sum{apps.auth.external.get}": 20,
        "extauth_tasks_in_flight": 0,
        "extauth_ready{database}": 1,
        "extauth_ready{slack}": 1,
        "extauth_ready{clock}": 1,
        "extauth_ready{receiver}": 1,
        "extauth_audit_log_entries": 6,
        "extauth_audit_log_verified_timestamp_seconds": 0,
        "extauth_audit_log_altered": 0,
    }
    if transport == "http":
        expected |= {"extauth_rejected_requests_total{not signed}": 1}
        expected |= {"extauth_socket_connections": 0, "extauth_socket_opened_total": 0}
    else:
        expected |= {"extauth_rejected_requests_total{malformed payload}": 1}
        expected |= {"extauth_slack_calls_total{ok,apps.connections.open}": 4}
        expected |= {"extauth_socket_connections": 2, "extauth_socket_opened_total": 4}
        expected |= {"extauth_socket_ended_total{refresh_requested}": 2}
    told = {name: value for name, value in numbers.items() if value or name in expected}
    assert told == {name: pytest.approx(value) for name, value in expected.items()}


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_anyone_can_read_names_nobody(transport: Transport) -> None:
    async with open_operator(transport) as operator:
        await operator.harness.types("/extauth get EtGoogle0001")
        await operator.harness.types("/extauth get EtNone", GUEST)
        paths = ("/metrics", "/health/ready", "/health/live", "/health")
        said = "".join([(await operator.get(path))[1] for path in paths])
        assert "extauth_commands_total" in said
        assert "process_resident_memory_bytes" in said
        names = [ADMIN, GUEST, "T0SANDBOX", "EtGoogle", "EtNone", "/commands/", *operator.harness.state.secrets]
        assert [name for name in names if name in said] == []


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
async def test_numbers_are_not_told_through_a_proxy(header: str) -> None:
    async with open_operator("http") as operator:
        assert await operator.get("/metrics", **{header: "203.0.113.7"}) == (404, "")
        assert (await operator.get("/health/ready", **{header: "203.0.113.7"}))[0] == 200


async def test_a_port_of_its_own_serves_nothing_else() -> None:
    async with open_operator("socket") as operator, aiohttp.ClientSession() as session:
        assert (await operator.get("/health/live"))[0] == 200
        assert (await operator.get("/slack/events"))[0] == 404
        async with session.post(operator.base + "/metrics") as response:
            assert response.status == 405
            assert response.headers["Server"] == "Extauth"


async def test_a_taken_port_stops_the_start_with_a_line_that_names_its_setting() -> None:
    async with open_operator("socket") as operator, simulated_slack() as slack:
        port = operator.base.rpartition(":")[2]
        for variable in ("EXTAUTH_HEALTH_PORT", "PORT"):
            configured = settings.read({**variables(slack), variable: port})
            with pytest.raises(StartError, match=f"Set {variable} to another one"):
                await serve(configured, "socket", SystemClock(), asyncio.Event())


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_database_that_is_gone_is_told_within_seconds_and_so_is_its_return(
    transport: Transport, tmp_path: Path
) -> None:
    file = tmp_path / "audit.db"
    async with open_operator(transport, DATABASE_URL=f"sqlite:///{file}") as operator:
        assert await operator.problems() == {}
        await asyncio.to_thread(execute, file, "ALTER TABLE audit_heads RENAME TO elsewhere")
        assert await operator.problems() == {}, "it isn't read more often"
        operator.harness.clock.advance(READ_SECONDS)
        assert await operator.problems() == {"database": "the audit log can't be read"}
        assert (await operator.numbers())["extauth_ready{database}"] == 0
        await asyncio.to_thread(execute, file, "ALTER TABLE elsewhere RENAME TO audit_heads")
        operator.harness.clock.advance(READ_SECONDS)
        assert await operator.problems() == {}


@pytest.mark.parametrize("instead", ["RAISE(FAIL, 'database or disk is full')", "RAISE(IGNORE)"])
async def test_a_database_that_can_only_be_read_is_not_ready(instead: str, tmp_path: Path) -> None:
    file = tmp_path / "audit.db"
    async with open_operator("http", DATABASE_URL=f"sqlite:///{file}") as operator:
        assert await operator.problems() == {}
        full = f"CREATE TRIGGER full BEFORE UPDATE ON schedules BEGIN SELECT {instead}; END"
        await asyncio.to_thread(execute, file, full)
        operator.harness.clock.advance(READ_SECONDS)
        assert await operator.problems() == {"database": "the database can't be written"}
        await asyncio.to_thread(execute, file, "DROP TRIGGER full")
        operator.harness.clock.advance(READ_SECONDS)
        assert await operator.problems() == {}


async def test_no_answer_names_a_version() -> None:
    async with open_operator("http") as operator:
        port = int(operator.base.rsplit(":", 1)[1])
        for sent in (
            "nonsense\r\n\r\n",
            "GET / HTTP/9.9\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nX\r\n\r\n",
            "GET /x HTTP/1.1\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent.encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            assert "Server: Extauth\r\n" in head
            assert "aiohttp" not in head
            writer.close()


async def test_slack_is_asked_when_it_is_quiet_and_one_failure_changes_nothing() -> None:
    async with open_operator("http") as operator:
        harness = operator.harness
        asked = len(harness.calls("auth.test"))
        for _ in range(3):
            assert await operator.problems() == {}
        assert len(harness.calls("auth.test")) == asked, "what was heard just now is enough"
        harness.slack.web_api.failures["auth.test"] = "internal_error"
        for _ in range(int((LOST_SECONDS - 1) / ASK_SECONDS)):
            harness.clock.advance(ASK_SECONDS)
            assert await operator.problems() == {}
            assert await operator.problems() == {}
        probes = len(harness.calls("auth.test")) - asked
        assert 0 < probes <= (LOST_SECONDS - IDLE_SECONDS) / ASK_SECONDS
        harness.clock.advance(ASK_SECONDS)
        assert await operator.problems() == {"slack": f"no answer for {LOST_SECONDS:.0f} seconds"}
        # A request of Slack's, verified, says as much as an answer; this one leads to no call.
        assert harness.workspace.delivery is not None
        asked_before = len(harness.state.traffic)
        said = {"type": "url_verification", "challenge": "c", "token": "t"}
        assert await harness.workspace.delivery.deliver("events_api", said) == {"challenge": "c"}
        assert [one.kind for one in list(harness.state.traffic)[asked_before:]] == ["acknowledgement"]
        assert await operator.problems() == {}


async def test_a_refused_bot_token_is_told_until_it_is_accepted_again() -> None:
    async with open_operator("http") as operator:
        harness = operator.harness
        harness.slack.web_api.failures["auth.test"] = "token_revoked"
        harness.clock.advance(IDLE_SECONDS)
        assert await operator.problems() == {"slack": "Slack refuses SLACK_BOT_TOKEN (token_revoked)"}
        harness.slack.web_api.failures.clear()
        harness.clock.advance(ASK_SECONDS)
        assert await operator.problems() == {}


def test_a_word_from_outside_becomes_other() -> None:
    metrics = Metrics()
    slack = SlackHealth("https://slack.com/api/", metrics, SystemClock(), {"invalid_auth"})
    outcomes = OutcomeCounter(metrics)
    for word in ("invalid_auth", "U0ADMIN"):
        slack.ended(f"https://slack.com/api/{'auth.test' if word != 'U0ADMIN' else word}", word)
        slack.waited(word, 1.0)
        outcomes(Event("", None, None, "", word, {}), AuditResult(word, None, 0))
    scraped = metrics.scrape()
    assert 'method="auth.test"' in scraped
    assert f'code="{OTHER}",method="{OTHER}"' in scraped
    assert "U0ADMIN" not in scraped


def test_every_metric_can_be_scraped_under_its_name() -> None:
    metrics = Metrics()
    for metric in METRICS:
        labels = ["x"] * len(metric.labels)
        match metric.kind:
            case Kind.COUNTER:
                (metrics[metric].labels(*labels) if labels else metrics[metric]).inc()
            case Kind.GAUGE:
                (metrics[metric].labels(*labels) if labels else metrics[metric]).set(1)
            case Kind.HISTOGRAM:
                (metrics[metric].labels(*labels) if labels else metrics[metric]).observe(1)
    names = {sample.name for family in text_string_to_metric_families(metrics.scrape()) for sample in family.samples}
    for metric in METRICS:
        assert (f"{metric.name}_count" if metric.buckets else metric.name) in names
        assert re.fullmatch(r"extauth_[a-z_]+", metric.name)
    assert metrics.scrape().count("_created") == 0


async def test_a_verification_in_a_terminal_is_told_by_the_running_bot(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    async with open_operator("http", DATABASE_URL=url) as operator:
        await operator.harness.types("/extauth get EtGoogle0001")
        ran = await asyncio.to_thread(audit_command, url, "verify")
        assert (ran.returncode, ran.stderr) == (0, "")
        operator.harness.clock.advance(READ_SECONDS)
        numbers = await operator.numbers()
        verified_at = numbers["extauth_audit_log_verified_timestamp_seconds"]
        assert verified_at == pytest.approx(time.time(), abs=600)
        assert (numbers["extauth_audit_log_entries"], numbers["extauth_audit_log_altered"]) == (3, 0)
        await asyncio.to_thread(execute, tmp_path / "audit.db", "UPDATE audit_records SET code = 'x' WHERE number = 2")
        assert (await asyncio.to_thread(audit_command, url, "verify")).returncode == 1
        operator.harness.clock.advance(READ_SECONDS)
        assert (await operator.numbers())["extauth_audit_log_altered"] == 1


async def test_over_socket_mode_a_wrong_clock_is_logged_but_takes_no_process_out_of_service(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_operator("socket") as operator:
        operator.harness.slack.clock_ahead = 120
        await operator.harness.types("/extauth get EtGoogle0001")
        assert await operator.problems() == {}
    assert "this machine's clock is wrong" in caplog.text


async def test_over_http_a_clock_that_differs_from_slack_s_is_told_until_it_is_right(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_operator("http") as operator:
        harness = operator.harness
        harness.slack.clock_ahead = 120
        await harness.types("/extauth get EtGoogle0001")
        (problem,) = (await operator.problems()).items()
        assert problem in [("clock", f"{seconds} seconds behind Slack's") for seconds in (119, 120)]
        await harness.types("/extauth get EtGoogle0001")
        harness.slack.clock_ahead = -59
        await harness.types("/extauth get EtGoogle0001")
        assert await operator.problems() == {}
    lines = [record.getMessage() for record in caplog.records if "clock" in record.getMessage()]
    assert lines == [f"this machine's clock is wrong: {problem[1]}"]


async def test_a_refused_api_token_says_nothing_of_the_bot_token() -> None:
    async with open_operator("socket", EXTAUTH_API_TOKEN="xoxp-it-was-revoked") as operator:
        operator.harness.state.api_tokens = set()
        await operator.harness.types("/extauth list")
        assert await operator.problems() == {}
