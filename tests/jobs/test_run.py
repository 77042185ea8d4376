"""Running a batch: what becomes of it when it is stopped, cut off, delivered again, or takes long."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import settings
from bot.actor import Actor
from bot.app import Storage, open_storage
from bot.audit.entries import Entry, Filters
from bot.background.tasks import INTERRUPTED_SECONDS
from bot.batch import Batch, BatchState, Item, ItemResult
from bot.jobs.run import MOST_FAILURES, BatchEnding, BatchOutcome, BatchRunner
from bot.operation import Operation
from bot.outcomes import Denied, Fetched
from bot.sandbox.run import variables
from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.server import SimulatedSlack
from bot.slack.client import open_session
from bot.slack.external_auth.models import GetToken
from bot.slack.rate_limit import WANTED_SECONDS, SecondsLeft, tells_nobody
from bot.workspaces.runtime import Runtime
from tests.audit_log import change
from tests.bot_process import simulated_slack
from tests.databases import DATABASES, started_database
from tests.harness import ADMIN, OWNER
from tests.manual_clock import ManualClock
from tests.one_workspace import create_runtime

GET, DELETE = "apps.auth.external.get", "apps.auth.external.delete"
HELD = "429-30"
GOOD = ("EtGoogle0001", "EtGitHub0001", "EtSalesforce1")


class BatchProgress:
    """The progress that a batch reports."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.waits_for: list[int] = []

    async def got_on(self, batch: Batch) -> None:
        self.counts.append(len(batch.results))

    def waits(self, seconds_left: SecondsLeft) -> None:
        self.waits_for.append(seconds_left())


@dataclass
class BatchProcess:
    """A process that runs batches, without Bolt, and the storage of another on the same database."""

    slack: SimulatedSlack
    clock: ManualClock
    runtime: Runtime
    storage: Storage
    other: Storage
    url: str

    def actor(self, user: str = ADMIN) -> Actor:
        token = SecretStr(self.slack.state.bot_token)
        return Actor(user, "T0SANDBOX", None, token, f"REF{user}"[:8], f"interaction of {user}")

    async def made(self, operation: Operation, token_ids: Sequence[str]) -> Batch:
        batch = Batch.of(self.actor(), operation, [Item(token_id) for token_id in token_ids], self.clock.now())
        await self.runtime.shared.batches.put(batch, BatchState.RUNNING)
        return batch

    async def run(self, batch: Batch, seen: BatchProgress | None = None, *, is_closing: bool = False) -> BatchOutcome:
        def closes() -> bool:
            return is_closing or self.runtime.shared.limiter.is_closed

        service, states = self.runtime.service, self.runtime.shared.account_states
        runner = BatchRunner(service, self.runtime.shared.batches, states, self.clock, closes)
        told = seen or BatchProgress()
        return await runner.run(self.actor(batch.user_id), batch, told.got_on, told.waits)

    async def kept(self, batch: Batch) -> tuple[Batch, BatchState]:
        """The batch as the other process finds it."""
        found = await self.other.batches.find(batch.batch_id, self.actor(batch.user_id))
        assert found is not None
        return found

    async def until_ended(self, batch: Batch) -> None:
        """Wait until a batch is kept as ended."""
        async with asyncio.timeout(10):
            while (await self.kept(batch))[1] is not BatchState.ENDED:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def asked(self, method: str) -> list[str]:
        return [str(one.body["external_token_id"]) for one in self.slack.state.traffic if one.kind == method]

    async def recorded(self) -> list[tuple[str, str | None]]:
        """Return the ID and the outcome of each entry, oldest first."""
        entries: list[Entry] = []
        await self.other.audit_log.export(Filters(team_id="T0SANDBOX"), entries.append)
        return [(str(entry.parameters["external_token_id"]), entry.outcome) for entry in entries]

    async def held(self, batch: Batch, seen: BatchProgress | None = None) -> "asyncio.Future[BatchOutcome]":
        """Run a batch until Slack's limits hold its first request back, and leave it running."""
        self.slack.web_api.failures[DELETE] = HELD
        running = asyncio.ensure_future(self.run(batch, seen))
        await self.clock.until_asleep(WANTED_SECONDS)
        return running

    async def passes_time(self, running: "asyncio.Future[BatchOutcome]") -> None:
        while not running.done():
            self.clock.advance_to_next(120)
            await asyncio.sleep(0.002)


@pytest.fixture(params=DATABASES)
async def process(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BatchProcess]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(started_database(request.param, tmp_path))
        clock = ManualClock()
        slack = await stack.enter_async_context(simulated_slack(clock))
        configured = settings.read({**variables(slack), "DATABASE_URL": url})
        storage = await stack.enter_async_context(open_storage(configured, clock))
        other = await stack.enter_async_context(open_storage(configured, clock))
        session = await stack.enter_async_context(open_session())
        yield BatchProcess(slack, clock, await create_runtime(configured, session, storage, clock), storage, other, url)


async def test_each_result_is_kept_in_its_order(process: BatchProcess) -> None:
    seen = BatchProgress()
    batch = await process.made(Operation.TEST, ["EtGoogle0001", "EtNoSuch0001", "EtErr.503", "EtGitHub0001"])
    outcome = await process.run(batch, seen)
    expected = (
        ItemResult("works"),
        ItemResult("failed", "token_not_found"),
        ItemResult("failed", "http_error"),
        ItemResult("works"),
    )
    assert (outcome.ending, outcome.batch.results, seen.counts) == (BatchEnding.DONE, expected, [1, 2, 3, 4])
    assert await process.kept(batch) == (outcome.batch, BatchState.ENDED)


async def test_a_deletion_that_slack_did_not_confirm_is_not_called_undone(process: BatchProcess) -> None:
    outcome = await process.run(
        await process.made(Operation.DELETE, ["EtErr.503", "EtErr.invalid_auth", "EtNoSuch0001"])
    )
    assert [result.is_sure for result in outcome.batch.results] == [False, True, True]


async def test_a_stop_by_another_process_while_it_waits_sends_nothing_more(process: BatchProcess) -> None:
    batch, seen = await process.made(Operation.DELETE, GOOD), BatchProgress()
    running = await process.held(batch, seen)
    process.slack.web_api.failures.clear()
    assert await process.other.batches.move(batch, BatchState.RUNNING, BatchState.STOPPING)
    # Slack's thirty seconds aren't waited for.
    process.clock.advance(WANTED_SECONDS)
    outcome = await running
    assert (outcome.ending, outcome.batch.results) == (BatchEnding.STOPPED, ())
    assert seen.waits_for[0] == 30
    assert process.asked(DELETE) == ["EtGoogle0001"]
    assert await process.recorded() == [("EtGoogle0001", "not done")]
    assert await process.kept(batch) == (batch, BatchState.ENDED)


async def test_a_database_that_fails_during_a_wait_and_is_back_after_it_ends_nothing(process: BatchProcess) -> None:
    batch = await process.made(Operation.DELETE, GOOD)
    running = await process.held(batch)
    process.slack.web_api.failures.clear()
    await change(process.url, "ALTER TABLE batches RENAME TO gone")
    for _ in range(3):
        await process.clock.until_asleep(WANTED_SECONDS)
        process.clock.advance(WANTED_SECONDS)
    await process.clock.until_asleep(WANTED_SECONDS)
    await change(process.url, "ALTER TABLE gone RENAME TO batches")
    await process.passes_time(running)
    outcome = await running
    assert (outcome.ending, len(outcome.batch.results)) == (BatchEnding.DONE, len(GOOD))


async def test_a_database_that_fails_when_a_wait_is_over_is_said_to_have_ended_it(process: BatchProcess) -> None:
    batch = await process.made(Operation.DELETE, GOOD)
    running = await process.held(batch)
    await change(process.url, "ALTER TABLE batches RENAME TO gone")
    process.clock.advance(31)
    outcome = await running
    assert (outcome.ending, outcome.batch.results) == (BatchEnding.NOT_RECORDED, ())
    assert process.asked(DELETE) == ["EtGoogle0001"]
    await change(process.url, "ALTER TABLE gone RENAME TO batches")


async def test_a_batch_that_is_to_stop_does_not_begin_another_item(process: BatchProcess) -> None:
    batch = await process.made(Operation.DELETE, GOOD)
    assert await process.other.batches.move(batch, BatchState.RUNNING, BatchState.STOPPING)
    assert (await process.run(batch)).ending is BatchEnding.STOPPED
    assert process.asked(DELETE) == []


async def test_a_429_midway_is_waited_out_and_told(process: BatchProcess) -> None:
    batch, seen = await process.made(Operation.DELETE, GOOD), BatchProgress()
    running = await process.held(batch, seen)
    process.slack.web_api.failures.clear()
    await process.passes_time(running)
    assert running.result().ending is BatchEnding.DONE
    assert 30 in seen.waits_for
    assert process.asked(DELETE) == ["EtGoogle0001", *GOOD]


async def test_a_bot_that_stops_ends_it_before_the_next_item(process: BatchProcess) -> None:
    batch = await process.made(Operation.DELETE, GOOD)
    running = await process.held(batch)
    process.runtime.shared.limiter.close()
    outcome = await running
    assert (outcome.ending, outcome.batch.results) == (BatchEnding.RESTARTED, ())
    assert await process.recorded() == [("EtGoogle0001", "not done")]
    assert (await process.run(batch, is_closing=True)).ending is BatchEnding.RESTARTED


async def test_a_batch_that_is_cut_off_keeps_its_results(process: BatchProcess) -> None:
    batch = await process.made(Operation.DELETE, ["EtGoogle0001", "EtErr.timeout", "EtGitHub0001"])
    running = asyncio.ensure_future(process.run(batch))
    await process.slack.state.until(lambda: len(process.asked(DELETE)) == 2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await process.until_ended(batch)
    found, state = await process.kept(batch)
    assert (found.results, state) == ((ItemResult("deleted"),), BatchState.ENDED)
    assert await process.recorded() == [("EtGoogle0001", "deleted"), ("EtErr.timeout", "interrupted")]


async def test_delivered_again_it_sends_nothing(process: BatchProcess) -> None:
    batch = await process.made(Operation.DELETE, GOOD)
    await process.run(batch)
    await process.storage.batches.move(batch, BatchState.ENDED, BatchState.RUNNING)
    assert (await process.run(batch)).ending is BatchEnding.ELSEWHERE
    assert process.asked(DELETE) == [*GOOD]


async def test_a_token_whose_id_is_the_name_of_a_step_is_tested(process: BatchProcess) -> None:
    listing = process.actor().step("list")
    await process.runtime.service.run(listing, GetToken("EtGoogle0001"), lambda _: None)
    outcome = await process.run(await process.made(Operation.TEST, ["list"]))
    assert outcome.batch.results == (ItemResult("failed", "token_not_found"),)


async def test_a_person_who_loses_the_permission_ends_it(process: BatchProcess) -> None:
    batch = await process.made(Operation.DELETE, GOOD)
    process.slack.state.people[ADMIN].is_admin = False
    outcome = await process.run(batch)
    assert outcome.ending is BatchEnding.DENIED
    assert isinstance(outcome.last, Denied)
    assert process.asked(DELETE) == []


async def test_failures_that_say_nothing_of_their_tokens_end_it_unless_one_works_in_between(
    process: BatchProcess,
) -> None:
    broken = [f"EtErr.{fault}" for fault in ("internal_error", "html", "503", "500", "text", "list")]
    token_ids = [*broken[:2], "EtGoogle0001", *broken[2:], "EtGitHub0001"]
    outcome = await process.run(await process.made(Operation.TEST, token_ids))
    assert outcome.ending is BatchEnding.REFUSED
    assert len(outcome.batch.results) == 3 + MOST_FAILURES


async def test_however_long_it_takes_no_other_process_calls_it_interrupted(process: BatchProcess) -> None:
    batch, others = await process.made(Operation.DELETE, GOOD), process.other.audit_log
    # Slack takes 400 seconds for each answer: to who the person is, and to each deletion.
    process.slack.web_api.latency = 400.0
    running = asyncio.ensure_future(process.run(batch))
    while True:
        asleep = asyncio.ensure_future(process.clock.until_asleep(400))
        await asyncio.wait({running, asleep}, return_when=asyncio.FIRST_COMPLETED)
        if asleep.cancel():
            break
        assert await others.interrupt(INTERRUPTED_SECONDS) == []
        process.clock.advance(400)
    assert (await running).ending is BatchEnding.DONE
    assert await process.recorded() == [(token_id, "deleted") for token_id in GOOD]


async def test_somebody_elses_command_does_not_wait_for_the_batch(process: BatchProcess) -> None:
    plant_accounts(process.slack.state, 100)
    batch = await process.made(Operation.TEST, [f"EtMany{number:06d}" for number in range(1, 101)])
    running = asyncio.ensure_future(process.run(batch))
    await process.clock.until_asleep(WANTED_SECONDS)
    assert len(process.asked(GET)) == 25
    before = process.clock.monotonic()
    fetched = await process.runtime.service.run(process.actor(OWNER), GetToken("EtGoogle0001"), tells_nobody)
    assert isinstance(fetched, Fetched)
    assert process.clock.monotonic() == before
    await process.storage.batches.move(batch, BatchState.RUNNING, BatchState.STOPPING)
    await process.passes_time(running)
