"""Nothing unanswered: what happens to an answer when Slack, a notice or the bot itself gives way."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot import settings
from bot.audit.entries import Filters
from bot.listeners.replies import RETRY_SECONDS
from bot.sandbox.run import variables
from bot.server.lifecycle import serve
from bot.settings import Transport
from bot.storage.address import database_url
from bot.storage.engine import DatabaseError, open_database
from tests.audit_log import configured, open_audit_log
from tests.bot_process import simulated_slack
from tests.databases import new_database
from tests.harness import ADMIN, Harness, open_harness, open_hasty_harness, over_both_transports
from tests.manual_clock import ManualClock

DELETE = "apps.auth.external.delete"


async def test_an_answer_that_slack_does_not_take_is_posted_again(harness: Harness) -> None:
    harness.slack.web_api.response_failures = [503, 500, 503]
    assert await harness.workspace.command(ADMIN, "/extauth delete EtGoogle0001 --yes")
    for seconds in (1, 2, 5):
        await harness.clock.until_asleep(seconds)
        assert harness.workspace.messages(ADMIN) == []
        harness.clock.advance(seconds)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
    assert "Deleted from Slack" in harness.read(harness.workspace.messages(ADMIN)[0])
    assert len(harness.calls(DELETE)) == 1


async def test_an_answer_goes_another_way_when_its_address_never_takes_it(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.slack.web_api.response_failures = [503] * 9
    assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001")
    for seconds in RETRY_SECONDS:
        await harness.clock.until_asleep(seconds)
        harness.clock.advance(seconds)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
    assert len(harness.calls("response_url")) == 9
    assert "[Show token]" in harness.read(harness.workspace.messages(ADMIN)[0])
    assert "an answer couldn't be posted to its response_url" in caplog.messages


async def test_a_notice_that_fails_stops_nothing(harness: Harness) -> None:
    harness.slack.web_api.latency = 2.5
    harness.slack.web_api.response_failures = [500]
    assert await harness.workspace.command(ADMIN, "/extauth delete EtGoogle0001 --yes")
    await harness.clock.until_asleep(2.5)
    harness.clock.advance(2.5)
    await harness.state.until(lambda: len(harness.calls(DELETE)) == 1)
    harness.slack.web_api.latency = 0
    await harness.clock.until_asleep(2.5)
    harness.clock.advance(2.0)
    await harness.state.until(lambda: len(harness.calls("response_url")) == 1)
    harness.clock.advance(0.5)
    await harness.state.until(lambda: len(harness.workspace.messages(ADMIN)) == 1)
    assert "Deleted from Slack" in harness.read(harness.workspace.messages(ADMIN)[0])
    assert "deleted" in harness.read(await harness.types("/extauth history"))


# The real end may take 22 seconds, and so would each of these tests.
SHORT = {"GRACE_SECONDS": 1.0, "CANCEL_SECONDS": 1.0, "CHANNEL_SECONDS": 0.5, "CLOSE_SECONDS": 0.5}
WHOLE = sum(SHORT.values())


@over_both_transports
@pytest.mark.parametrize("trouble", ["idle", "burst", "429", "silent peer", "slow Slack", "full channel"])
async def test_the_end_comes_in_time_and_nobody_is_left_untold(
    trouble: str, transport: Transport, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, seconds in SHORT.items():
        monkeypatch.setattr(f"bot.server.lifecycle.{name}", seconds)
    typed = {"idle": 0, "burst": 100}.get(trouble, 10)
    opened = open_hasty_harness if trouble == "slow Slack" else open_harness
    async with opened(transport, EXTAUTH_AUDIT_CHANNEL="C0AUDIT") as harness:
        web_api, state = harness.slack.web_api, harness.state
        await harness.types("/extauth help")
        state.messages.clear()
        web_api.rate_limits.is_on = False
        harness.slack.socket_mode.ignores_close = trouble == "silent peer"
        if trouble in {"429", "silent peer"}:
            web_api.failures[DELETE] = "429-50"
        if trouble == "slow Slack":
            web_api.failures[DELETE] = "timeout"
        if trouble == "full channel":
            web_api.failures["chat.postMessage"] = "429-50"
        for number in range(typed):
            assert await harness.workspace.command(ADMIN, f"/extauth delete EtNone{number} --yes")
        # Once one of them has got its 429, the others wait without being sent.
        at_least = min(typed, 1) if trouble in {"429", "silent peer"} else typed
        await state.until(lambda: len(harness.calls(DELETE)) >= at_least)
        started = time.perf_counter()
    took = time.perf_counter() - started
    assert took < WHOLE + 2.0
    # The simulator's own end, with its connections, is in that as well.
    told = [message.text for message in state.messages]
    assert len(told) >= typed
    if trouble in {"429", "silent peer"}:
        assert told.count("Extauth restarted before sending your request") == typed
    if trouble == "full channel":
        assert any("lines weren't posted" in message for message in caplog.messages)


@over_both_transports
async def test_what_the_end_cuts_off_is_on_record_and_told_once(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # It's 14 seconds of real time.
    monkeypatch.setattr("bot.server.lifecycle.GRACE_SECONDS", 0.2)
    url = f"sqlite:///{tmp_path}/audit.db"
    async with open_harness(transport, DATABASE_URL=url) as harness:
        harness.slack.web_api.failures[DELETE] = "timeout"
        assert await harness.workspace.command(ADMIN, "/extauth delete EtGoogle0001 --yes")
        await harness.state.until(lambda: len(harness.calls(DELETE)) == 1)
        state, clock = harness.state, harness.clock
    assert [message.text for message in state.messages] == ["Extauth restarted before Slack answered"]
    clock.advance(1000)
    async with open_audit_log(configured(url), clock) as audit:
        (entry,) = await audit.newest(10, Filters(action="delete"))
        assert entry.outcome == "interrupted"
        assert await audit.interrupt(60) == []


class FreezingProxy:
    """Stands between the bot and its PostgreSQL, and can stop passing anything on."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._passes = asyncio.Event()
        self._passes.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._is_over = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """The database's address, through the proxy."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            yield f"postgresql://{self._target.username}@127.0.0.1:{port}{self._target.path}"
        finally:
            # As the end of a process does: transactions that wait for the database are canceled a second time.
            left = asyncio.all_tasks() - self._tasks - {asyncio.current_task()}
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=5)
            server.close()
            self._is_over = True
            for task in self._tasks:
                task.cancel()
            # What is still to be written would keep a connection open, and uvloop wouldn't close over it.
            for writer in self._writers:
                writer.transport.abort()
            closed = (writer.wait_closed() for writer in self._writers)
            await asyncio.gather(*self._tasks, *closed, return_exceptions=True)
            # The bot's ends notice that, too.
            await asyncio.sleep(0.05)

    def freeze(self) -> None:
        """Pass nothing on from now on."""
        self._passes.clear()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_over:
            # The driver asks the server over a connection of its own to cancel what it had begun.
            writer.transport.abort()
            return
        self._tasks.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with closing(writer):
            await self._passes.wait()
            far_reader, far_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
            self._writers.append(far_writer)
            with closing(far_writer):
                await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await self._passes.wait()
            sink.write(data)
            await sink.drain()
        sink.close()


@pytest.mark.parametrize("typed", [0, 3])
async def test_a_database_that_stops_answering_does_not_hold_up_the_end(
    typed: int, transport: Transport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, seconds in SHORT.items():
        monkeypatch.setattr(f"bot.server.lifecycle.{name}", seconds)
    async with new_database("postgresql", tmp_path) as url:
        proxy = FreezingProxy(url)
        async with proxy.open() as through:
            async with open_harness(transport, DATABASE_URL=through, EXTAUTH_AUDIT_CHANNEL="C0AUDIT") as harness:
                assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))
                proxy.freeze()
                state = harness.state
                state.messages.clear()
                for number in range(typed):
                    assert await harness.workspace.command(ADMIN, f"/extauth delete EtNone{number} --yes")
                started = time.perf_counter()
            took = time.perf_counter() - started
    assert took < WHOLE + 5.0
    told = [message.text for message in state.messages]
    assert told.count("Extauth restarted before Slack answered") == typed


@pytest.mark.parametrize("asked", ["auth.test", "apps.connections.open"])
async def test_a_stop_while_starting_ends_at_once(asked: str) -> None:
    async with simulated_slack() as slack:
        slack.web_api.failures[asked] = "timeout"
        stop = asyncio.Event()
        serving = asyncio.ensure_future(serve(settings.read(variables(slack)), "socket", ManualClock(), stop))
        await slack.state.until(lambda: any(exchange.kind == asked for exchange in slack.state.traffic))
        stop.set()
        await asyncio.wait_for(serving, 5)


@pytest.mark.long
async def test_a_server_that_froze_before_a_transaction_is_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The pool asks a connection if it's alive before the transaction begins: that must end, too."""
    async with new_database("postgresql", tmp_path) as url:
        proxy = FreezingProxy(url)
        async with proxy.open() as through:
            database = open_database(database_url(through))
            await database.run(lambda connection: None)
            proxy.freeze()
            # No setting changes this minute.
            monkeypatch.setattr("bot.storage.engine.TRANSACTION_SECONDS", 0.5)
            async with asyncio.timeout(20):
                with pytest.raises(DatabaseError):
                    await database.run(lambda connection: None, seconds=None)
            await database.close()
