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
from bot.app import create_runtime, open_audit_log
from bot.audit.log import AuditLog
from bot.listeners.runtime import Runtime
from bot.sandbox.run import variables
from bot.sandbox.slack.server import SimulatedSlack
from bot.server.recovery import UNFINISHED_SECONDS, tell_interrupted
from bot.settings import Settings
from bot.slack.external_auth.models import GetToken
from bot.slack.session import open_session
from bot.tasks import Tasks
from tests.audit_log import change
from tests.bot_process import simulated_slack
from tests.harness import ADMIN, MEMBER, OWNER
from tests.manual_clock import ManualClock


@dataclass
class Left:
    """A log with unfinished attempts, and what a new process has to tell of them."""

    slack: SimulatedSlack
    settings: Settings
    audit_log: AuditLog
    runtime: Runtime
    clock: ManualClock
    url: str

    async def leaves(self, user: str) -> None:
        """Somebody's command is begun, and never finished."""
        path = self.slack.state.new_response_url("commands", user, "C0GENERAL")
        address = json.dumps({"response_url": self.slack.base_url + path, "at": self.clock.now()})
        actor = Actor(user, "T0SANDBOX", None, SecretStr(""), f"R{user}"[:8], f"key of {user}", SecretStr(address))
        await self.audit_log.attempt(actor, GetToken("Et1"))

    def told(self) -> list[str]:
        """Who has been told, in which order."""
        return [message.user_id for message in self.slack.state.messages if "was restarted" in message.text]


@pytest.fixture
async def left(tmp_path: Path) -> AsyncIterator[Left]:
    async with AsyncExitStack() as stack:
        slack, clock = await stack.enter_async_context(simulated_slack()), ManualClock()
        url = f"sqlite:///{tmp_path}/audit.db"
        configured = settings.read({**variables(slack), "DATABASE_URL": url})
        audit_log = await stack.enter_async_context(open_audit_log(configured, clock))
        session = await stack.enter_async_context(open_session())
        runtime = create_runtime(configured, session, audit_log, clock, Tasks())
        yield Left(slack, configured, audit_log, runtime, clock, url)


async def test_an_address_that_does_not_answer_holds_up_nobody(left: Left) -> None:
    for user in (ADMIN, MEMBER, OWNER):
        await left.leaves(user)
    left.clock.advance(UNFINISHED_SECONDS + 1)
    left.slack.web_api.response_failures = [503]
    telling = asyncio.ensure_future(tell_interrupted(left.settings, left.runtime, left.audit_log))
    await left.slack.state.until(lambda: len(left.told()) == 2)
    await left.clock.until_asleep(1)
    left.clock.advance(1)
    await left.runtime.tasks.idle()
    assert sorted(left.told()) == sorted([ADMIN, MEMBER, OWNER])
    telling.cancel()


async def test_what_is_too_young_is_looked_at_again(left: Left) -> None:
    await left.leaves(ADMIN)
    telling = asyncio.ensure_future(tell_interrupted(left.settings, left.runtime, left.audit_log))
    await left.clock.until_asleep(UNFINISHED_SECONDS)
    assert left.told() == []
    left.clock.advance(UNFINISHED_SECONDS + 1)
    await telling
    await left.runtime.tasks.idle()
    assert left.told() == [ADMIN]


async def test_a_log_that_cannot_be_read_now_is_looked_at_again(left: Left, caplog: pytest.LogCaptureFixture) -> None:
    await left.leaves(ADMIN)
    await change(left.url, "ALTER TABLE audit_head RENAME TO gone")
    telling = asyncio.ensure_future(tell_interrupted(left.settings, left.runtime, left.audit_log))
    await left.clock.until_asleep(UNFINISHED_SECONDS)
    assert "unfinished commands could not be looked for" in caplog.messages
    await change(left.url, "ALTER TABLE gone RENAME TO audit_head")
    left.clock.advance(UNFINISHED_SECONDS + 1)
    await telling
    await left.runtime.tasks.idle()
    assert left.told() == [ADMIN]
