"""Those whose commands another process left unfinished are told, each by themselves."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import settings
from bot.actor import Actor
from bot.app import open_storage
from bot.audit.entries import AuditResult
from bot.audit.log import AuditLog
from bot.listeners.replies import RESPONSE_URL_SECONDS, RETRY_SECONDS
from bot.listeners.runtime import Runtime
from bot.sandbox.run import variables
from bot.sandbox.slack.server import SimulatedSlack
from bot.server.recovery import (
    AGAIN_SECONDS,
    ANSWERING_SECONDS,
    FAILED_SECONDS,
    TELL_SECONDS,
    UNANSWERED_SECONDS,
    tell_unanswered,
)
from bot.settings import Settings
from bot.slack.client import open_session
from bot.slack.external_auth.models import GetToken
from bot.storage.database import DatabaseError
from bot.workspaces import OneWorkspace
from tests.audit_log import change, left_behind, taken_over
from tests.bot_process import simulated_slack
from tests.harness import ADMIN, MEMBER, OWNER
from tests.manual_clock import ManualClock
from tests.one_workspace import create_runtime


@dataclass
class Left:
    """A log with unfinished attempts, and what a new process has to tell of them."""

    slack: SimulatedSlack
    settings: Settings
    audit_log: AuditLog
    runtime: Runtime
    clock: ManualClock
    url: str

    async def leaves(self, user: str, result: AuditResult | None = None) -> None:
        """Somebody's command is begun, perhaps finished, and never answered."""
        path = self.slack.state.new_response_url("commands", user, "C0GENERAL")
        address = json.dumps({"response_url": self.slack.base_url + path, "at": self.clock.now()})
        actor = Actor(user, "T0SANDBOX", None, SecretStr(""), f"R{user}"[:8], f"key of {user}", SecretStr(address))
        attempt = await self.audit_log.attempt(actor, GetToken("Et1"))
        if result is not None:
            await self.audit_log.finish(attempt, result)
        await left_behind(self.url)

    def told(self) -> list[str]:
        """Who has been told, in which order."""
        return [message.user_id for message in self.slack.state.messages if "Extauth restarted" in message.text]


@pytest.fixture
async def left(tmp_path: Path) -> AsyncIterator[Left]:
    async with AsyncExitStack() as stack:
        slack, clock = await stack.enter_async_context(simulated_slack()), ManualClock()
        url = f"sqlite:///{tmp_path}/audit.db"
        configured = settings.read({**variables(slack), "DATABASE_URL": url})
        storage = await stack.enter_async_context(open_storage(configured, clock))
        session = await stack.enter_async_context(open_session())
        runtime = await create_runtime(configured, session, storage, clock)
        yield Left(slack, configured, storage.audit_log, runtime, clock, url)


async def test_an_address_that_does_not_answer_holds_up_nobody(left: Left) -> None:
    for user in (ADMIN, MEMBER, OWNER):
        await left.leaves(user)
    left.clock.advance(ANSWERING_SECONDS + 1)
    left.slack.web_api.response_failures = [503]
    telling = asyncio.ensure_future(tell_unanswered(OneWorkspace(left.runtime), left.runtime, left.audit_log))
    await left.slack.state.until(lambda: len(left.told()) == 2)
    await left.clock.until_asleep(1)
    left.clock.advance(1)
    await left.runtime.tasks.idle()
    assert sorted(left.told()) == sorted([ADMIN, MEMBER, OWNER])
    telling.cancel()


async def test_what_was_done_is_told_once(left: Left) -> None:
    await left.leaves(ADMIN, AuditResult("fetched", None, 1, SecretStr("canary-token")))
    await left.leaves(MEMBER, AuditResult("failed", "token_not_found", 1))
    left.clock.advance(ANSWERING_SECONDS + 1)
    for _ in range(2):
        telling = asyncio.ensure_future(tell_unanswered(OneWorkspace(left.runtime), left.runtime, left.audit_log))
        await left.clock.until_asleep(UNANSWERED_SECONDS)
        await left.runtime.tasks.idle()
        telling.cancel()
        await left.audit_log.close()
        await left_behind(left.url)
        left.clock.advance(ANSWERING_SECONDS + 1)
    said = {message.user_id: json.dumps(message.blocks) for message in left.slack.state.messages}
    assert sorted(left.told()) == sorted([ADMIN, MEMBER])
    assert "The token was fetched, but not shown." in said[ADMIN]
    assert "The request failed." in said[MEMBER]
    assert "canary" not in repr(said)


async def test_what_is_too_young_is_looked_at_again(left: Left) -> None:
    await left.leaves(ADMIN)
    telling = asyncio.ensure_future(tell_unanswered(OneWorkspace(left.runtime), left.runtime, left.audit_log))
    await left.clock.until_asleep(UNANSWERED_SECONDS)
    assert left.told() == []
    left.clock.advance(ANSWERING_SECONDS + 1)
    await left.clock.until_asleep(AGAIN_SECONDS)
    await left.runtime.tasks.idle()
    telling.cancel()
    assert left.told() == [ADMIN]


async def test_what_another_process_leaves_later_is_found_in_time_to_answer(left: Left) -> None:
    telling = asyncio.ensure_future(tell_unanswered(OneWorkspace(left.runtime), left.runtime, left.audit_log))
    await left.clock.until_asleep(UNANSWERED_SECONDS)
    left.clock.advance(UNANSWERED_SECONDS)
    await left.clock.until_asleep(AGAIN_SECONDS)
    await left.leaves(ADMIN)
    for _ in range(2):
        left.clock.advance(AGAIN_SECONDS)
        await left.clock.until_asleep(AGAIN_SECONDS)
    await left.slack.state.until(lambda: left.told() == [ADMIN])
    assert UNANSWERED_SECONDS + AGAIN_SECONDS < RESPONSE_URL_SECONDS
    telling.cancel()


@pytest.mark.parametrize("table", ["interactions", "audit_heads"])
async def test_a_log_that_cannot_be_read_now_is_soon_looked_at_again(
    left: Left, caplog: pytest.LogCaptureFixture, table: str
) -> None:
    await left.leaves(ADMIN)
    left.clock.advance(ANSWERING_SECONDS + 1)
    await change(left.url, f"ALTER TABLE {table} RENAME TO gone")
    telling = asyncio.ensure_future(tell_unanswered(OneWorkspace(left.runtime), left.runtime, left.audit_log))
    for seconds in FAILED_SECONDS[:2]:
        await left.clock.until_asleep(seconds)
        left.clock.advance(seconds)
    await left.clock.until_asleep(FAILED_SECONDS[2])
    assert caplog.messages.count("unanswered commands couldn't be looked for") == 3
    await change(left.url, f"ALTER TABLE gone RENAME TO {table}")
    left.clock.advance(FAILED_SECONDS[2])
    await left.clock.until_asleep(UNANSWERED_SECONDS)
    await left.runtime.tasks.idle()
    telling.cancel()
    assert left.told() == [ADMIN]


async def test_a_log_that_cannot_be_read_for_long_is_looked_at_now_and_then(left: Left) -> None:
    await left.leaves(ADMIN)
    await change(left.url, "ALTER TABLE audit_heads RENAME TO gone")
    left.clock.advance(ANSWERING_SECONDS + 1)
    telling = asyncio.ensure_future(tell_unanswered(OneWorkspace(left.runtime), left.runtime, left.audit_log))
    for seconds in (*FAILED_SECONDS, UNANSWERED_SECONDS, AGAIN_SECONDS):
        await left.clock.until_asleep(seconds)
        left.clock.advance(seconds)
    await left.clock.until_asleep(AGAIN_SECONDS)
    telling.cancel()


def test_a_process_has_given_up_before_another_one_takes_a_person_for_untold() -> None:
    assert sum(TELL_SECONDS) + sum(RETRY_SECONDS) + 60 <= ANSWERING_SECONDS
    assert sum(TELL_SECONDS) + AGAIN_SECONDS < RESPONSE_URL_SECONDS


async def test_who_is_told_nothing_for_long_is_taken_up_by_the_next_look(left: Left) -> None:
    await left.leaves(ADMIN)
    left.clock.advance(ANSWERING_SECONDS + 1)
    lost = _Lost(left.runtime, len(TELL_SECONDS) + 1)
    telling = asyncio.ensure_future(tell_unanswered(lost, left.runtime, left.audit_log))
    for seconds in TELL_SECONDS:
        await left.clock.until_asleep(seconds)
        left.clock.advance(seconds)
    await left.runtime.tasks.idle()
    assert left.told() == []
    again = await taken_over(left.audit_log, UNANSWERED_SECONDS)
    assert [one.reference for one in again] == [f"R{ADMIN}"]
    telling.cancel()


class _Lost:
    """A workspace that the database finds only after so many failures."""

    def __init__(self, runtime: Runtime, failures: int) -> None:
        self._known = OneWorkspace(runtime)
        self._failures = failures
        self.all = self._known.all
        self.audit_channels = self._known.audit_channels

    async def find(self, team_id: str | None, enterprise_id: str | None) -> Runtime | None:
        if self._failures:
            self._failures -= 1
            raise DatabaseError("too many clients")
        return await self._known.find(team_id, enterprise_id)


async def test_after_a_look_that_worked_each_failure_is_soon_followed_by_another_look(left: Left) -> None:
    telling = asyncio.ensure_future(tell_unanswered(OneWorkspace(left.runtime), left.runtime, left.audit_log))
    await left.clock.until_asleep(UNANSWERED_SECONDS)
    for _ in range(2):
        await change(left.url, "ALTER TABLE interactions RENAME TO gone")
        left.clock.advance(UNANSWERED_SECONDS)
        await left.clock.until_asleep(FAILED_SECONDS[0])
        await change(left.url, "ALTER TABLE gone RENAME TO interactions")
        left.clock.advance(FAILED_SECONDS[0])
        await left.clock.until_asleep(AGAIN_SECONDS)
    telling.cancel()


@pytest.mark.parametrize("failures", [*range(len(FAILED_SECONDS) + 1), 8])
async def test_a_database_that_fails_while_somebody_is_told_is_asked_again(left: Left, failures: int) -> None:
    await left.leaves(ADMIN)
    left.clock.advance(ANSWERING_SECONDS + 1)
    telling = asyncio.ensure_future(tell_unanswered(_Lost(left.runtime, failures), left.runtime, left.audit_log))
    for seconds in TELL_SECONDS[:failures]:
        await left.clock.until_asleep(seconds)
        left.clock.advance(seconds)
    await left.slack.state.until(lambda: left.told() == [ADMIN])
    telling.cancel()
