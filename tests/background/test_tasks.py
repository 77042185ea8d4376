"""People whose commands were cut off are told directly, once, and so is the audit channel."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import settings
from bot.access import APPROVAL_SECONDS
from bot.actor import Actor, Unattended
from bot.app import open_storage
from bot.audit.entries import AuditResult, Filters
from bot.audit.log import AuditLog
from bot.background.tasks import (
    INTERRUPTED_SECONDS,
    LOOK_AGAIN_SECONDS,
    SWEEP_SECONDS,
    TELL_SECONDS,
    expire_approvals,
    record_interrupted,
)
from bot.batch import Batch, BatchState, Item
from bot.operation import Operation, Request
from bot.sandbox.run import variables
from bot.sandbox.slack.server import SimulatedSlack
from bot.slack.client import open_session
from bot.slack.external_auth.models import DeleteTokens, GetToken
from bot.storage.engine import DatabaseError
from bot.workspaces.registry import OneWorkspace, Workspaces
from bot.workspaces.runtime import Runtime
from tests.audit_log import change
from tests.bot_process import simulated_slack
from tests.harness import ADMIN, MEMBER, OWNER
from tests.manual_clock import ManualClock
from tests.one_workspace import create_runtime


@dataclass
class Left:
    """A log with unfinished attempts, and what a process has to tell of them."""

    slack: SimulatedSlack
    audit_log: AuditLog
    runtime: Runtime
    clock: ManualClock
    url: str

    async def leaves(self, user: str, request: Request | None = None, result: AuditResult | None = None) -> None:
        """Begin somebody's command, and perhaps finish it."""
        actor = Actor(user, "T0SANDBOX", None, SecretStr(""), f"R{user}"[:8], f"key of {user}")
        attempt = await self.audit_log.attempt(actor, request or GetToken("Et1"))
        if result is not None:
            await self.audit_log.finish(attempt, result)

    @asynccontextmanager
    async def looking(self, workspaces: Workspaces | None = None) -> AsyncIterator[None]:
        """Look for what was cut off, until the block ends."""
        found = workspaces or OneWorkspace(self.runtime)
        looking = asyncio.ensure_future(record_interrupted(found, self.runtime.shared, self.audit_log))
        await self.clock.until_asleep(LOOK_AGAIN_SECONDS)
        yield
        looking.cancel()

    def told(self) -> list[str]:
        """Those who have been told, in their order."""
        return [message.user_id for message in self.slack.state.messages if "Extauth restarted" in message.text]


@pytest.fixture
async def left(tmp_path: Path) -> AsyncIterator[Left]:
    async with AsyncExitStack() as stack:
        slack, clock = await stack.enter_async_context(simulated_slack()), ManualClock()
        url = f"sqlite:///{tmp_path}/audit.db"
        variables_of_one = {**variables(slack), "DATABASE_URL": url, "EXTAUTH_AUDIT_CHANNEL": "C0AUDIT"}
        configured = settings.read(variables_of_one)
        storage = await stack.enter_async_context(open_storage(configured, clock))
        session = await stack.enter_async_context(open_session())
        runtime = await create_runtime(configured, session, storage, clock)
        yield Left(slack, storage.audit_log, runtime, clock, url)


async def test_each_person_is_told_once_what_it_was_and_how_to_look(left: Left) -> None:
    await left.leaves(ADMIN, DeleteTokens("EtGoogle0001"))
    await left.leaves(MEMBER)
    await left.leaves(OWNER, result=AuditResult("fetched", None, 1, SecretStr("canary-token")))
    left.clock.advance(INTERRUPTED_SECONDS + 1)
    for _ in range(2):
        async with left.looking():
            await left.runtime.shared.tasks.idle()
        left.clock.advance(INTERRUPTED_SECONDS + 1)
    assert sorted(left.told()) == sorted([ADMIN, MEMBER])
    said = {message.user_id: json.dumps(message.blocks) for message in left.slack.state.messages}
    assert "EtGoogle0001" in said[ADMIN]
    assert "You asked Extauth to delete tokens" in said[ADMIN]
    assert "They may or may not be deleted" in said[ADMIN]
    assert "Your request may or may not have gone through" in said[MEMBER]
    assert "canary" not in repr(said)


async def test_the_audit_channel_hears_of_it(left: Left) -> None:
    await left.leaves(ADMIN, DeleteTokens("EtGoogle0001"))
    left.clock.advance(INTERRUPTED_SECONDS + 1)
    async with left.looking():
        await left.slack.state.until(lambda: "interrupted" in repr(left.slack.state.posts))


async def test_of_another_workspace_whose_bot_shares_the_database_nobody_hears(left: Left) -> None:
    elsewhere = Actor(ADMIN, "T0OTHER", None, SecretStr(""), "ROTHER", "key")
    await left.audit_log.attempt(elsewhere, GetToken("Et1"))
    left.clock.advance(INTERRUPTED_SECONDS + 1)
    async with left.looking():
        await left.runtime.shared.tasks.idle()
    assert left.told() == []
    (entry,) = await left.audit_log.newest(9, Filters(team_id="T0OTHER"))
    assert entry.outcome is None


async def test_a_request_for_approval_in_another_workspace_is_left_to_its_bot(left: Left) -> None:
    batches, clock = left.runtime.shared.batches, left.clock
    for team_id in ("T0SANDBOX", "T0OTHER"):
        asker = Actor(ADMIN, team_id, None, SecretStr(""), "R1", None)
        await batches.put(Batch.of(asker, Operation.DELETE, [Item("Et1")], clock.now()), BatchState.WAITING)
    clock.advance(APPROVAL_SECONDS + 3600)
    expiring = asyncio.ensure_future(expire_approvals(OneWorkspace(left.runtime), left.runtime.shared))
    await clock.until_asleep(SWEEP_SECONDS)
    expiring.cancel()
    waiting = await batches.in_states((BatchState.WAITING,))
    assert [asked.team_id for asked, _ in waiting] == ["T0OTHER"]


async def test_a_young_attempt_is_looked_at_again_later(left: Left) -> None:
    await left.leaves(ADMIN)
    async with left.looking():
        assert left.told() == []
        left.clock.advance(INTERRUPTED_SECONDS + 1)
        await left.clock.until_asleep(LOOK_AGAIN_SECONDS)
        await left.runtime.shared.tasks.idle()
        assert left.told() == [ADMIN]


async def test_nobody_is_told_of_an_interrupted_unattended_test(left: Left) -> None:
    nobody = Actor(Unattended.SCHEDULE, "T0SANDBOX", None, SecretStr(""), "ABCD2345", unattended=Unattended.SCHEDULE)
    await left.audit_log.attempt(nobody, GetToken("Et1"))
    left.clock.advance(INTERRUPTED_SECONDS + 1)
    async with left.looking():
        await left.runtime.shared.tasks.idle()
        assert [entry.outcome for entry in await left.runtime.service.own_entries(nobody, 9)] == ["interrupted"]
    assert left.slack.state.messages == []


async def test_several_deletions_of_one_person_are_one_message(left: Left) -> None:
    actor = Actor(ADMIN, "T0SANDBOX", None, SecretStr(""), "ABCD2345")
    for number in range(3):
        attempt = await left.audit_log.attempt(actor, DeleteTokens(f"EtGoogle000{number}"))
        if number < 2:
            await left.audit_log.finish(attempt, AuditResult("deleted", None, 1))
    await left.audit_log.attempt(replace(actor, interaction="x"), DeleteTokens("EtGoogle0009"))
    left.clock.advance(INTERRUPTED_SECONDS + 1)
    async with left.looking():
        await left.runtime.shared.tasks.idle()
    (message,) = left.slack.state.messages
    assert "2 deleted\\n\\u2022 2 may or may not have gone through" in json.dumps(message.blocks)


class _Lost(OneWorkspace):
    """A workspace that the database finds only after so many failures."""

    def __init__(self, runtime: Runtime, failures: int) -> None:
        super().__init__(runtime)
        self._failures = failures

    async def find(self, team_id: str | None, enterprise_id: str | None) -> Runtime | None:
        if self._failures:
            self._failures -= 1
            raise DatabaseError("too many clients")
        return await super().find(team_id, enterprise_id)


@pytest.mark.parametrize("failures", [1, len(TELL_SECONDS)])
async def test_a_database_that_fails_while_somebody_is_told_is_asked_again(left: Left, failures: int) -> None:
    await left.leaves(ADMIN)
    left.clock.advance(INTERRUPTED_SECONDS + 1)
    async with left.looking(_Lost(left.runtime, failures)):
        for seconds in TELL_SECONDS[:failures]:
            await left.clock.until_asleep(seconds)
            left.clock.advance(seconds)
        await left.slack.state.until(lambda: left.told() == [ADMIN])


async def test_a_log_that_cannot_be_read_now_is_looked_at_again(left: Left, caplog: pytest.LogCaptureFixture) -> None:
    await left.leaves(ADMIN)
    left.clock.advance(INTERRUPTED_SECONDS + 1)
    await change(left.url, "ALTER TABLE audit_records RENAME TO gone")
    async with left.looking():
        assert "interrupted commands couldn't be looked for" in caplog.messages
        await change(left.url, "ALTER TABLE gone RENAME TO audit_records")
        left.clock.advance(LOOK_AGAIN_SECONDS)
        await left.slack.state.until(lambda: left.told() == [ADMIN])
