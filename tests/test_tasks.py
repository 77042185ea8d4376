"""Work in the background, and its end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise

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
from bot.slack.session import open_session
from bot.tasks import DEFER_SECONDS, SHORT_SECONDS, TURN, Tasks
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


async def test_an_unexpected_error_is_told_with_its_reference(bench: Bench) -> None:
    async def breaks() -> None:
        raise ZeroDivisionError

    await flow.start(bench.runtime, bench.interaction, breaks())
    await bench.runtime.tasks.idle()
    assert bench.told() == ["Something went wrong in Extauth"]
    assert "ABCD2345" in repr(bench.slack.workspace.messages(ADMIN)[0].blocks)


async def test_in_a_burst_acknowledgements_come_first() -> None:
    tasks, order = Tasks(), []

    async def work(number: int) -> None:
        order.append(f"work {number}")

    async def acknowledge(number: int) -> None:
        async with tasks.acknowledging():
            tasks.start(work(number))
            # As much as a turn of the loop has time for.
            busy_until = time.monotonic() + 2 * SHORT_SECONDS
            while time.monotonic() < busy_until:
                continue
            order.append(f"acknowledged {number}")

    await asyncio.gather(*(acknowledge(number) for number in range(3 * TURN)))
    await tasks.idle()
    numbers = range(3 * TURN)
    assert order == [f"acknowledged {number}" for number in numbers] + [f"work {number}" for number in numbers]


async def test_so_much_begins_in_one_turn_of_the_loop() -> None:
    tasks, begun, answered = Tasks(), [], asyncio.Event()

    async def work() -> None:
        begun.append(tasks)
        await answered.wait()

    for _ in range(2 * TURN + 1):
        tasks.start(work())
    counts = []
    while len(begun) < 2 * TURN + 1:
        await asyncio.sleep(0)
        counts.append(len(begun))
    assert {later - earlier for earlier, later in pairwise([0, *counts])} <= {0, 1, TURN}

    waiting = [asyncio.ensure_future(tasks.acknowledging().__aenter__()) for _ in range(2 * TURN)]
    turns = 0
    while not all(one.done() for one in waiting):
        await asyncio.sleep(0)
        turns += 1
    assert turns > 2
    answered.set()
    await tasks.idle()


async def test_while_the_loop_has_time_work_does_not_wait_for_an_acknowledgement() -> None:
    tasks, done = Tasks(), asyncio.Event()

    async def work() -> None:
        done.set()

    async with tasks.acknowledging():
        tasks.start(work())
        async with asyncio.timeout(5):
            await done.wait()


async def test_no_work_is_put_off_for_long() -> None:
    tasks, done = Tasks(), asyncio.Event()

    async def work() -> None:
        done.set()

    async def acknowledge() -> None:
        while not done.is_set():
            async with tasks.acknowledging():
                time.sleep(2 * SHORT_SECONDS)  # noqa: ASYNC251 (a turn that is long)
                await asyncio.sleep(0)

    acknowledging = {asyncio.ensure_future(acknowledge()) for _ in range(2 * TURN)}
    await asyncio.sleep(0)
    tasks.start(work())
    began = time.monotonic()
    await asyncio.wait(acknowledging, timeout=20 * DEFER_SECONDS)
    assert done.is_set()
    assert time.monotonic() - began >= DEFER_SECONDS


async def test_who_gives_up_waiting_for_a_turn_takes_it_from_nobody() -> None:
    tasks = Tasks()

    async def acknowledge() -> bool:
        async with tasks.acknowledging():
            return True

    waiting = [asyncio.ensure_future(acknowledge()) for _ in range(3 * TURN)]
    await asyncio.sleep(0)
    waiting[-2].cancel()
    await asyncio.wait(waiting)
    assert [one.cancelled() for one in waiting] == [False] * (3 * TURN - 2) + [True, False]


async def test_work_that_was_put_off_belongs_to_its_request_and_is_drained() -> None:
    tasks, seen = Tasks(), []

    async def work() -> None:
        seen.append(logs.reference.get())

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
