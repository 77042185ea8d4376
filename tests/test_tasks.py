"""Work in the background, and its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from bot import settings
from bot.actor import Actor
from bot.app import open_storage
from bot.clock import SystemClock
from bot.listeners import flow
from bot.listeners.interaction import Interaction
from bot.listeners.replies import ChannelReply
from bot.sandbox.run import variables
from bot.sandbox.slack.server import SimulatedSlack
from bot.slack.client import open_session
from bot.tasks import Tasks
from bot.views.metadata import Origin
from bot.workspaces.runtime import Runtime
from tests.bot_process import simulated_slack
from tests.harness import ADMIN
from tests.one_workspace import create_runtime


async def test_work_that_ends_in_time_is_waited_for() -> None:
    tasks, done = Tasks(), []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(True)

    tasks.start(work())
    await tasks.drain(grace_period=5, cancel_period=0)
    assert done == [True]


@dataclass
class Conversation:
    """An admin's interaction, and the answers that it got."""

    slack: SimulatedSlack
    runtime: Runtime
    interaction: Interaction

    def told(self) -> list[str]:
        return [message.text for message in self.slack.workspace.messages(ADMIN)]


@pytest.fixture
async def conversation() -> AsyncIterator[Conversation]:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(simulated_slack())
        session = await stack.enter_async_context(open_session())
        configured = settings.read(variables(slack))
        audit = await stack.enter_async_context(open_storage(configured, SystemClock()))
        runtime = await create_runtime(configured, session, audit, SystemClock())
        url = slack.base_url + slack.state.new_response_url("commands", ADMIN, "C1")
        origin = Origin(url, runtime.shared.clock.now())
        actor = Actor(ADMIN, "T1", None, SecretStr(slack.state.bot_token), "ABCD2345")
        yield Conversation(
            slack, runtime, Interaction(runtime, actor, "", None, ChannelReply(runtime.shared.clients, origin))
        )


async def test_work_that_takes_too_long_is_interrupted_and_its_person_told(conversation: Conversation) -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    conversation.runtime.shared.tasks.start(flow.guard(conversation.interaction, forever()))
    await conversation.runtime.shared.tasks.drain(grace_period=0.05, cancel_period=5)
    assert conversation.told() == ["Extauth restarted before Slack answered"]


async def test_an_unexpected_error_is_told_with_its_reference(conversation: Conversation) -> None:
    async def breaks() -> None:
        raise ZeroDivisionError

    conversation.runtime.shared.tasks.start(flow.guard(conversation.interaction, breaks()))
    await conversation.runtime.shared.tasks.idle()
    assert conversation.told() == ["Something went wrong in Extauth"]
    assert "ABCD2345" in repr(conversation.slack.workspace.messages(ADMIN)[0].blocks)


async def test_work_that_begins_during_the_end_is_waited_for_too() -> None:
    tasks, done = Tasks(), []

    async def late() -> None:
        await asyncio.sleep(0.01)
        done.append("late")

    async def first() -> None:
        await asyncio.sleep(0.01)
        tasks.start(late())

    tasks.start(first())
    await tasks.drain(grace_period=5, cancel_period=0)
    assert done == ["late"]
