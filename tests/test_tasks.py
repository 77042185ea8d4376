"""Work in the background, and its end."""

import asyncio
from contextlib import AsyncExitStack

from pydantic import SecretStr

from bot import settings
from bot.actor import Actor
from bot.app import create_runtime, open_audit
from bot.clock import SystemClock
from bot.features.visit import Visit
from bot.playground import variables
from bot.replies import ChannelReply
from bot.slack_connection import open_session
from bot.tasks import Tasks
from tests.bot_process import simulated_slack
from tests.office import ADMIN


async def test_what_is_done_in_time_is_waited_for() -> None:
    tasks, done = Tasks(), []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(True)

    tasks.start(work())
    await tasks.drain(patience=5, farewell=0)
    assert done == [True]


async def test_what_is_not_is_interrupted_and_the_person_hears_of_it() -> None:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(simulated_slack())
        session = await stack.enter_async_context(open_session())
        configured = settings.read(variables(slack))
        audit = await stack.enter_async_context(open_audit(configured, SystemClock()))
        runtime = create_runtime(configured, session, audit, SystemClock())
        url = slack.base_url + slack.state.new_response_url("commands", ADMIN, "C1")
        actor = Actor(ADMIN, "T1", None, SecretStr(slack.state.bot_token), "ABCD2345")
        visit = Visit(actor, "", None, ChannelReply(runtime.connection, url))

        async def forever(_: Visit) -> None:
            await asyncio.Event().wait()

        runtime.start(visit, forever)
        await runtime.tasks.drain(patience=0.05, farewell=5)
        assert [message.text for message in slack.workspace.messages(ADMIN)] == [
            "The bot was restarted before Slack answered"
        ]
