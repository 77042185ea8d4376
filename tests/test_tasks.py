"""Work in the background, and its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace

import pytest
from pydantic import SecretStr

from bot import logs, settings
from bot.actor import Actor
from bot.app import open_storage
from bot.clock import SystemClock
from bot.listeners import flow
from bot.listeners.interaction import Interaction
from bot.listeners.replies import ChannelReply
from bot.listeners.runtime import Runtime
from bot.sandbox.run import variables
from bot.sandbox.slack.server import SimulatedSlack
from bot.slack.client import open_session
from bot.slack.external_auth.models import GetToken
from bot.tasks import DEFER_SECONDS, Tasks
from tests.bot_process import simulated_slack
from tests.harness import ADMIN
from tests.one_workspace import create_runtime


async def test_what_is_done_in_time_is_waited_for() -> None:
    tasks, done = Tasks(), []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(True)

    tasks.start(work())
    await tasks.drain(grace_period=5, cancel_period=0)
    assert done == [True]


@dataclass
class Bench:
    slack: SimulatedSlack
    runtime: Runtime
    interaction: Interaction

    def told(self) -> list[str]:
        return [message.text for message in self.slack.workspace.messages(ADMIN)]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(simulated_slack())
        session = await stack.enter_async_context(open_session())
        configured = settings.read(variables(slack))
        audit = await stack.enter_async_context(open_storage(configured, SystemClock()))
        runtime = await create_runtime(configured, session, audit, SystemClock())
        url = slack.base_url + slack.state.new_response_url("commands", ADMIN, "C1")
        actor = Actor(ADMIN, "T1", None, SecretStr(slack.state.bot_token), "ABCD2345")
        yield Bench(slack, runtime, Interaction(actor, "", None, ChannelReply(runtime.clients, url)))


async def test_what_is_not_is_interrupted_and_the_person_hears_of_it(bench: Bench) -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    await flow.start(bench.runtime, bench.interaction, forever())
    await bench.runtime.tasks.drain(grace_period=0.05, cancel_period=5)
    assert bench.told() == ["Extauth restarted before Slack answered"]


async def test_a_request_is_begun_when_it_comes_but_in_a_burst_only_received(bench: Bench) -> None:
    clients, service = bench.runtime.clients, bench.runtime.service
    known = replace(bench.interaction.actor, team_id="T0SANDBOX", enterprise_id="E1")
    await service.authorize(known)

    async def came(key: str) -> int:
        """Return how many entries there are when Slack gets its acknowledgement."""
        url = bench.slack.base_url + bench.slack.state.new_response_url("commands", ADMIN, "C1")
        typed = Interaction(replace(known, interaction=key), "", None, ChannelReply(clients, url))
        await flow.start_run(bench.runtime, typed, GetToken("EtGoogle0001"))
        return len(await service.own_entries(known, 10))

    with ExitStack() as burst:
        burst.enter_context(bench.runtime.tasks.acknowledging())
        assert await came("alone") == 1
        for _ in range(20):
            burst.enter_context(bench.runtime.tasks.acknowledging())
        assert await came("one of many") == 1
    await bench.runtime.tasks.idle()
    assert [entry.outcome for entry in await service.own_entries(known, 10)] == ["fetched", "fetched"]
    assert len(bench.told()) == 2


async def test_an_unexpected_error_is_told_with_its_reference(bench: Bench) -> None:
    async def breaks() -> None:
        raise ZeroDivisionError

    await flow.start(bench.runtime, bench.interaction, breaks())
    await bench.runtime.tasks.idle()
    assert bench.told() == ["Something went wrong in Extauth"]
    assert "ABCD2345" in repr(bench.slack.workspace.messages(ADMIN)[0].blocks)


async def test_work_waits_for_acknowledgements_but_not_for_long() -> None:
    tasks, done = Tasks(), asyncio.Event()

    async def work() -> None:
        done.set()

    with tasks.acknowledging():
        with tasks.acknowledging():
            tasks.start(work())
        await asyncio.sleep(0)
        assert not done.is_set(), "another one is still being acknowledged"
    await asyncio.sleep(0)
    assert done.is_set()

    done.clear()
    with tasks.acknowledging():
        started = asyncio.get_running_loop().time()
        tasks.start(work())
        await done.wait()
        assert asyncio.get_running_loop().time() - started >= DEFER_SECONDS


async def test_a_burst_is_a_crowd() -> None:
    tasks = Tasks()
    with ExitStack() as burst:
        for _ in range(16):
            burst.enter_context(tasks.acknowledging())
            assert not tasks.is_crowded
        burst.enter_context(tasks.acknowledging())
        assert tasks.is_crowded
    assert not tasks.is_crowded


async def test_work_that_was_put_off_belongs_to_its_request_and_is_drained() -> None:
    tasks, seen = Tasks(), []

    async def work() -> None:
        seen.append(logs.reference.get())

    with tasks.acknowledging():
        for reference in ("ONE", "TWO"):
            before = logs.reference.set(reference)
            tasks.start(work())
            logs.reference.reset(before)
        await tasks.drain(grace_period=5, cancel_period=0)
    assert seen == ["ONE", "TWO"]


async def test_what_begins_while_the_rest_is_finished_is_waited_for_too() -> None:
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
