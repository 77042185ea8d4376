"""No record, no token: the audit record as the people and operators of a workspace meet it."""

import asyncio
import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bot.audit.entries import Filters
from bot.background.tasks import NO_CHECKPOINT
from bot.clock import SystemClock
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.state import State
from bot.settings import Transport
from tests.audit_log import configured, open_audit_log
from tests.bot_process import bot_process, simulated_slack
from tests.databases import new_database
from tests.harness import ADMIN, GUEST, Harness, open_harness, over_both_transports

GET, DELETE = "apps.auth.external.get", "apps.auth.external.delete"


def database(tmp_path: Path) -> tuple[Path, str]:
    return tmp_path / "record.db", f"sqlite:///{tmp_path}/record.db"


async def posted(harness: Harness, count: int) -> list[str]:
    """The lines in the audit channel but for checkpoints, once there are so many. A message may hold several."""

    def lines() -> list[str]:
        texts = [str(message["text"]) for message in harness.calls("chat.postMessage")]
        told = [line for text in texts for line in text.split("\n")]
        return [line for line in told if "extauth-checkpoint" not in line and line != NO_CHECKPOINT]

    async with asyncio.timeout(20):
        while len(lines()) < count:
            harness.clock.advance(1)
            await asyncio.sleep(0.01)
    return lines()


async def test_a_line_for_each_thing_goes_to_the_channel_without_secrets(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_AUDIT_CHANNEL="C0AUDIT") as harness:
        await harness.types("/extauth get EtGoogle0001")
        await harness.types("/extauth delete EtGitHub0001 --yes")
        await harness.types("/extauth get EtGoogle0001", GUEST)
        await harness.types("/extauth get " + "xY0" * 20)
        texts = "\n".join(await posted(harness, 4))
        assert {message["channel"] for message in harness.calls("chat.postMessage")} == {"C0AUDIT"}
        assert "<@U0ADMIN> · get `EtGoogle0001` · fetched" in texts
        assert "<@U0GUEST> · get `EtGoogle0001` · denied (`guest`)" in texts
        assert "get `xY0x… (60 characters)` · failed" in texts
        assert "xY0" * 3 not in texts
        assert harness.state.tokens["EtGoogle0001"].value[:16] not in texts

        harness.slack.web_api.failures["chat.postMessage"] = "not_in_channel"
        assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))


async def test_many_denials_are_counted_and_push_out_nothing_that_was_done(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_AUDIT_CHANNEL="C0AUDIT") as harness:
        harness.slack.web_api.failures["chat.postMessage"] = "internal_error"
        for _ in range(60):
            await harness.types("/extauth get EtGoogle0001", GUEST)
        await harness.types("/extauth delete EtGitHub0001 --yes")
        del harness.slack.web_api.failures["chat.postMessage"]
        harness.state.traffic.clear()
        harness.clock.advance(2)
        lines = await posted(harness, 22)
        assert sum("denied (`guest`)" in line for line in lines) <= 21
        assert [line for line in lines if "delete `EtGitHub0001` · deleted" in line]
        assert [line for line in lines if line.endswith("more denied, by 1 person")]


@over_both_transports
async def test_a_checkpoint_is_posted_at_each_start_and_stop_and_every_day(
    transport: Transport, tmp_path: Path
) -> None:
    _, url = database(tmp_path)
    async with open_harness(transport, DATABASE_URL=url) as harness:
        await harness.types("/extauth get EtGoogle0001")
    async with open_harness(transport, DATABASE_URL=url, EXTAUTH_AUDIT_CHANNEL="C0AUDIT") as harness:

        def checkpoints() -> list[str]:
            texts = [str(message["text"]) for message in harness.calls("chat.postMessage")]
            return [line for text in texts for line in text.split("\n") if "extauth-checkpoint" in line]

        await harness.state.until(lambda: len(checkpoints()) == 2)
        await harness.types("/extauth get EtGoogle0001")
        await harness.clock.until_asleep(24 * 3600)
        harness.clock.advance(24 * 3600)
        await harness.state.until(lambda: len(checkpoints()) == 4)
        state = harness.state
    told = [message["text"] for message in _calls(state, "chat.postMessage")]
    assert "extauth-checkpoint" in told[-1]
    assert " row=4 entries=2 " in told[-1]
    async with open_audit_log(configured(url), SystemClock()) as audit:
        result = await audit.verify(lambda _: None, audit.read_checkpoints(told[-1]))
        assert (result.problem, result.note) == (None, None)


def _calls(state: State, method: str) -> list[Any]:
    return [exchange.body for exchange in state.traffic if exchange.kind == method]


def change(path: Path, statement: str) -> None:
    """Change the database from outside. It may have to wait for the bot, so not in the bot's own loop."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


BREAKS = {
    "gone": "ALTER TABLE audit_records RENAME TO gone",
    "full": "CREATE TRIGGER no BEFORE INSERT ON audit_records BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
    "read-only": "CREATE TRIGGER no BEFORE INSERT ON audit_records BEGIN SELECT RAISE(ABORT, 'read-only'); END",
}
MENDS = {
    "gone": "ALTER TABLE gone RENAME TO audit_records",
    "full": "DROP TRIGGER no",
    "read-only": "DROP TRIGGER no",
}


@pytest.mark.parametrize("broken", list(BREAKS))
async def test_without_a_record_nothing_is_done_until_it_works_again(
    transport: Transport, broken: str, tmp_path: Path
) -> None:
    path, url = database(tmp_path)
    async with open_harness(transport, DATABASE_URL=url) as harness:
        await asyncio.to_thread(change, path, BREAKS[broken])
        for line in ("/extauth get EtGoogle0001", "/extauth delete EtGoogle0001 --yes"):
            read = harness.read(await harness.types(line))
            assert "Extauth couldn't record your request" in read
        view = await harness.opens("/extauth get EtGoogle0001 --show")
        assert "Extauth couldn't record your request" in harness.read(view)
        harness.workspace.close(view)
        assert "You don't have permission to fetch" in harness.read(
            await harness.types("/extauth get EtGoogle0001", GUEST)
        )
        assert harness.calls(GET) == harness.calls(DELETE) == []
        await asyncio.to_thread(change, path, MENDS[broken])
        assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))


async def test_a_token_whose_ending_cannot_be_recorded_is_withheld(transport: Transport, tmp_path: Path) -> None:
    path, url = database(tmp_path)
    async with open_harness(transport, DATABASE_URL=url) as harness:
        await asyncio.to_thread(
            change,
            path,
            "CREATE TRIGGER no BEFORE INSERT ON audit_records WHEN NEW.kind = 'result' "
            "BEGIN SELECT RAISE(ABORT, 'full'); END",
        )
        assert "Extauth withheld the token" in harness.read(await harness.types("/extauth get EtGoogle0001"))
        view = await harness.opens("/extauth get EtGoogle0001 --show")
        assert harness.state.tokens["EtGoogle0001"].value not in harness.read(view)
        harness.workspace.close(view)
        read = harness.read(await harness.types("/extauth delete EtGitHub0001 --yes"))
        assert "Deleted from Slack, but not recorded" in read
        assert "Extauth couldn't record this result in its audit log yet" in harness.read(
            await harness.types("/extauth get EtErr.token_not_found")
        )


async def test_a_postgresql_that_goes_away_and_comes_back(transport: Transport, tmp_path: Path) -> None:
    async with new_database("postgresql", tmp_path) as url, open_harness(transport, DATABASE_URL=url) as harness:
        assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))
        name = url.rsplit("/", 1)[1]
        server = await asyncpg.connect(url.rsplit("/", 1)[0] + "/postgres")
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        assert "couldn't record your request" in harness.read(await harness.types("/extauth get EtGoogle0001"))
        assert len(harness.calls(GET)) == 1
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await server.close()
        assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))


def asked(slack: SimulatedSlack) -> list[str]:
    """The IDs of the tokens that were asked for."""
    return [exchange.body["external_token_id"] for exchange in slack.state.traffic if exchange.kind == GET]


async def until_asked(slack: SimulatedSlack, before: int) -> None:
    """Wait until more tokens have been asked for than before."""
    await slack.state.until(lambda: len(asked(slack)) > before)


async def test_killed_at_any_moment_the_chain_verifies_and_no_call_is_without_its_attempt(tmp_path: Path) -> None:
    moments = random.Random(20261123)
    _, url = database(tmp_path)
    async with simulated_slack() as slack:
        slack.web_api.rate_limits.is_on = False
        slack.web_api.latency = 0.01
        for turn in range(6):
            before = asked(slack)
            async with bot_process("socket", slack, DATABASE_URL=url) as bot:
                commands = [
                    asyncio.ensure_future(slack.workspace.command(ADMIN, f"/extauth get EtKill{number}"))
                    for number in range(30)
                ]
                if turn % 2:
                    await until_asked(slack, len(before))
                await asyncio.sleep(moments.uniform(0.0, 0.25))
                await bot.stop(signal.SIGKILL)
                for command in commands:
                    command.cancel()
                await asyncio.gather(*commands, return_exceptions=True)
        sent = asked(slack)
    async with open_audit_log(configured(url), SystemClock()) as audit:
        assert (await audit.verify(lambda _: None)).problem is None
        entries = await audit.newest(10_000, Filters(action="get"))
    recorded = [entry.parameters["external_token_id"] for entry in entries]
    assert sent
    for token_id in set(sent):
        assert recorded.count(token_id) >= sent.count(token_id)
    assert any(entry.outcome in (None, "interrupted") for entry in entries) or len(recorded) == len(sent)
