"""The line of calls after a 429: who goes when, who is sent away, and that nothing is left behind."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.slack.rate_limits import RateLimits
from bot.slack.rate_limit import (
    DELETE,
    GET,
    LIST,
    WAIT_SECONDS,
    WANTED_SECONDS,
    Busy,
    Caller,
    LimitedCall,
    NoLongerWanted,
    RateLimiter,
    SecondsLeft,
    ShuttingDown,
)
from tests.manual_clock import ManualClock

INTERVAL = 61 / 50
MINUTE = 61


@dataclass
class Callers:
    """Callers of a method that counts its calls as Slack does."""

    clock: ManualClock = field(default_factory=ManualClock)
    went: list[str] = field(default_factory=list)
    went_at: list[float] = field(default_factory=list)
    rejections: dict[str, int] = field(default_factory=dict)
    told: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.limiter = RateLimiter(self.clock)
        self.limits = RateLimits(self.clock)

    def caller(self, name: str, workspace: str = "T1", patience: float = WAIT_SECONDS) -> Caller:
        """A caller, in a batch where the name says so."""
        told = self.told.setdefault(name, [])
        in_batch = name.startswith("batch")
        return Caller(workspace, lambda left: told.append(left()), patience=patience, in_batch=in_batch)

    def limited(self, method: str, caller: Caller) -> LimitedCall:
        return LimitedCall(self.limiter, method, caller, self.clock.monotonic() + caller.patience)

    def begin(self, name: str, method: str = GET, workspace: str = "T1", patience: float = WAIT_SECONDS) -> LimitedCall:
        return self.limited(method, self.caller(name, workspace, patience))

    async def call(self, name: str, method: str = GET, workspace: str = "T1") -> None:
        paced = self.begin(name, method, workspace)
        while True:
            await paced.turn()
            await asyncio.sleep(0)
            seconds = self.limits.retry_after(method, workspace)
            if seconds is None:
                self.went.append(name)
                self.went_at.append(self.clock.monotonic())
                return
            self.rejections[name] = self.rejections.get(name, 0) + 1
            assert paced.rejected(seconds)

    def start(self, name: str, method: str = GET, workspace: str = "T1") -> "asyncio.Task[None]":
        return asyncio.ensure_future(self.call(name, method, workspace))

    async def hold(self, seconds: int = 10, method: str = GET, workspace: str = "T1") -> None:
        """Somebody's call gets a 429."""
        assert await self.go(self.begin("somebody", method, workspace), seconds)

    async def go(self, paced: LimitedCall, rejected: int | None = 0) -> bool:
        """Send a call, which is rejected unless that is 0."""
        await paced.turn()
        return paced.rejected(rejected) if rejected != 0 else False

    async def settle(self) -> None:
        for _ in range(8):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float, step: float = 0.05) -> None:
        until = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until:
            await self.settle()
            self.clock.advance(min(step, until - self.clock.monotonic() + 1e-6))
        await self.settle()

    def lines(self) -> list[tuple[str, str]]:
        # The limiter tells nobody which lines it keeps.
        return list(self.limiter._lines)

    def assert_nothing_is_left(self) -> None:
        """After a minute nobody waits, nothing sleeps, and no line is kept."""
        self.clock.advance(200)
        self.limiter.line(LIST, "T1")
        assert self.lines() == [(LIST, "T1")]
        assert self.clock.sleepers == 0


@pytest.fixture
async def callers() -> Callers:
    return Callers()


async def test_without_a_429_every_call_goes_at_once(callers: Callers) -> None:
    for number in range(50):
        await asyncio.wait_for(callers.call(f"ada {number}"), 1)
    assert callers.told == {f"ada {number}": [] for number in range(50)}


async def test_a_429_holds_back_every_call_of_its_method_and_workspace(callers: Callers) -> None:
    await callers.hold(10)
    held = [callers.start("ada 1"), callers.start("bob 1")]
    others = [callers.start("ada 2", DELETE), callers.start("ada 3", GET, "T2")]
    await callers.settle()
    assert sorted(callers.went) == ["ada 2", "ada 3"]
    await callers.pass_time(9.9)
    assert len(callers.went) == 2
    await callers.pass_time(0.2)
    assert callers.went[2:] == ["ada 1"]
    await callers.pass_time(INTERVAL)
    assert callers.went[3:] == ["bob 1"]
    await asyncio.gather(*held, *others)


async def test_calls_go_in_the_order_in_which_they_began(callers: Callers) -> None:
    await callers.hold(10)
    names = ["ada 1", "ada 2", "ada 3", "bob 1", "cyn 1", "ada 4"]
    calls = []
    for name in names:
        calls.append(callers.start(name))
        await callers.settle()
    await callers.pass_time(10 + 5.5 * INTERVAL)
    assert callers.went == names
    await asyncio.gather(*calls)
    callers.assert_nothing_is_left()


async def test_a_call_that_was_rejected_late_comes_before_later_ones(callers: Callers) -> None:
    first, went = callers.begin("ada 1"), []

    async def again() -> None:
        await first.turn()
        went.append("ada 1")

    await first.turn()
    await callers.hold(10)
    second = callers.start("ada 2")
    await callers.settle()
    assert first.rejected(10)
    turn = asyncio.ensure_future(again())
    await callers.pass_time(10.1)
    assert (went, callers.went) == (["ada 1"], [])
    await callers.pass_time(INTERVAL)
    assert callers.went == ["ada 2"]
    await asyncio.gather(turn, second)


async def test_everybody_is_told_how_long_it_takes(callers: Callers) -> None:
    await callers.hold(10)
    for name in ("ada 1", "ada 2", "ada 3", "bob 1"):
        callers.start(name)
        await callers.settle()
    assert {name: told for name, told in callers.told.items() if told} == {
        "ada 1": [10],
        "ada 2": [12],
        "ada 3": [13],
        "bob 1": [14],
    }
    await callers.pass_time(10 + 5 * INTERVAL)
    assert len(callers.went) == 4


async def test_a_wait_that_grows_is_told_again(callers: Callers) -> None:
    late = callers.begin("bob 1")
    await late.turn()
    await callers.hold(10)
    waiting = callers.start("ada 1")
    await callers.settle()
    assert late.rejected(30)
    await callers.settle()
    assert callers.told["ada 1"] == [10, 30]
    assert late.rejected(30), "about the same as was told"
    await callers.settle()
    assert callers.told["ada 1"] == [10, 30]
    await callers.pass_time(30.1)
    await waiting


async def test_the_turn_of_a_canceled_call_is_the_next_one_s(callers: Callers) -> None:
    await callers.hold(10)
    first, second, third = (callers.start(name) for name in ("ada 1", "bob 1", "cyn 1"))
    await callers.settle()
    first.cancel()
    await callers.pass_time(10.1)
    assert callers.went == ["bob 1"]
    await callers.pass_time(INTERVAL)
    assert callers.went == ["bob 1", "cyn 1"]
    await asyncio.gather(second, third)
    callers.assert_nothing_is_left()


async def test_a_burst_is_rejected_once_and_then_paced(callers: Callers) -> None:
    calls = [callers.start(f"ada {number}") for number in range(120)]
    await callers.settle()
    assert len(callers.went) == 50
    await _until(callers, lambda: all(call.done() for call in calls))
    await asyncio.gather(*calls)
    assert set(callers.rejections.values()) == {1}
    assert len(callers.rejections) == 70
    assert callers.went == [f"ada {number}" for number in range(120)]


async def test_a_rejection_at_the_pace_holds_everybody_again(callers: Callers) -> None:
    await callers.hold(10)
    turn = asyncio.ensure_future(callers.go(callers.begin("ada 1"), 10))
    await callers.settle()
    callers.clock.advance(10)
    assert await turn
    calls = [callers.start(f"ada {number}") for number in range(2, 4)]
    await callers.pass_time(9.9)
    assert callers.went == []
    await callers.pass_time(0.2)
    assert callers.went == ["ada 2"]
    await callers.pass_time(INTERVAL)
    assert callers.went == ["ada 2", "ada 3"]
    await asyncio.gather(*calls)


async def test_a_wait_that_is_too_long_is_refused_at_once_and_says_how_long_it_is(callers: Callers) -> None:
    await callers.hold(30)
    with pytest.raises(Busy) as refused:
        await callers.go(callers.begin("ada 1", patience=29))
    assert refused.value.seconds == 30
    turn = asyncio.ensure_future(callers.go(callers.begin("ada 1", patience=31)))
    await callers.settle()
    callers.clock.advance(30)
    await turn


async def test_a_caller_whose_wait_grows_too_long_is_refused_at_once(callers: Callers) -> None:
    await callers.hold(30)
    waiting = asyncio.ensure_future(callers.go(callers.begin("ada 1", patience=40)))
    await callers.settle()
    # A call of the burst that was sent before the hold gets its 429 only now.
    callers.limiter.line(GET, "T1").hold(300)
    with pytest.raises(Busy) as refused:
        await asyncio.wait_for(waiting, 5)
    assert refused.value.seconds == 300
    callers.clock.advance(400)
    callers.assert_nothing_is_left()


@pytest.mark.parametrize("seconds", [None, int(WAIT_SECONDS) + 1])
async def test_a_429_that_nobody_would_wait_out_holds_nobody_back(callers: Callers, seconds: int | None) -> None:
    assert not await callers.go(callers.begin("ada 1"), seconds)
    await asyncio.wait_for(callers.go(callers.begin("bob 1")), 1)


async def test_a_stop_sends_everybody_away(callers: Callers) -> None:
    await callers.hold(10)
    turns = [asyncio.ensure_future(callers.go(callers.begin(name))) for name in ("ada 1", "bob 1")]
    await callers.settle()
    callers.limiter.close()
    assert [type(end) for end in await asyncio.gather(*turns, return_exceptions=True)] == [ShuttingDown, ShuttingDown]
    with pytest.raises(ShuttingDown):
        await callers.go(callers.begin("cyn 1"))
    callers.assert_nothing_is_left()


async def test_the_check_after_a_wait_can_stop_the_call(callers: Callers) -> None:
    async def recheck() -> None:
        raise PermissionError

    caller = Caller("T1", recheck=recheck)
    await callers.go(callers.limited(GET, caller))
    await callers.hold(10)
    turn = asyncio.ensure_future(callers.go(callers.limited(GET, caller)))
    await callers.settle()
    callers.clock.advance(10)
    with pytest.raises(PermissionError):
        await turn
    callers.assert_nothing_is_left()


@pytest.mark.parametrize("is_known_in_time", [True, False])
async def test_a_call_that_may_be_unwanted_waits_on_and_is_not_sent(callers: Callers, is_known_in_time: bool) -> None:
    wanted: bool | None = None
    left: list[SecondsLeft] = []

    async def is_wanted() -> bool | None:
        return wanted

    await callers.hold(10)
    caller = Caller("T1", left.append, is_wanted=is_wanted)
    turn = asyncio.ensure_future(callers.go(callers.limited(GET, caller)))
    await callers.settle()
    callers.clock.advance(WANTED_SECONDS)
    await callers.settle()
    assert [seconds_left() for seconds_left in left] == [8, 8]
    wanted = True if is_known_in_time else None
    callers.clock.advance(10)
    if is_known_in_time:
        await turn
    else:
        with pytest.raises(NoLongerWanted):
            await turn
    assert {seconds_left() for seconds_left in left} == {0}
    callers.assert_nothing_is_left()


@pytest.mark.parametrize("asked_in_time", [True, False])
async def test_a_call_that_is_no_longer_wanted_leaves_the_line(callers: Callers, asked_in_time: bool) -> None:
    wanted = True

    async def is_wanted() -> bool:
        return wanted

    await callers.hold(10)
    left: list[SecondsLeft] = []
    caller = Caller("T1", left.append, is_wanted=is_wanted)
    turn = asyncio.ensure_future(callers.go(callers.limited(GET, caller)))
    other = callers.start("bob 1")
    await callers.settle()
    callers.clock.advance(WANTED_SECONDS)
    await callers.settle()
    assert not turn.done()
    wanted = False
    callers.clock.advance(WANTED_SECONDS if asked_in_time else 10)
    with pytest.raises(NoLongerWanted):
        await turn
    assert left[0]() == 0
    await callers.pass_time(10)
    await other
    assert callers.went == ["bob 1"]
    callers.assert_nothing_is_left()


async def test_lines_of_workspaces_that_are_quiet_are_forgotten(callers: Callers) -> None:
    for number in range(100):
        await callers.hold(1, GET, f"T{number}")
    callers.clock.advance(63)
    await callers.hold(1, GET, "T100")
    assert callers.lines() == [(GET, "T100")]


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.sampled_from(["ada", "bob", "batch"]), st.sampled_from([GET, DELETE])),
        st.tuples(st.just("cancel"), st.integers(0, 200), st.none()),
        st.tuples(st.just("time"), st.floats(0.1, 20), st.none()),
        st.tuples(st.just("burst"), st.integers(1, 70), st.sampled_from([GET, DELETE])),
    ),
    max_size=16,
)


@settings(max_examples=25)
@given(ACTS, st.booleans())
def test_no_call_is_forgotten_or_sent_twice(acts: list[tuple[str, object, str]], stops: bool) -> None:
    asyncio.run(_play(acts, stops))


async def _play(acts: list[tuple[str, object, str]], stops: bool) -> None:
    callers = Callers()
    calls: dict[str, asyncio.Task[None]] = {}
    for kind, what, method in acts:
        if kind == "call":
            name = f"{what} {len(calls)}"
            calls[name] = callers.start(name, method)
        elif kind == "burst":
            for _ in range(int(str(what))):
                name = f"ada {len(calls)}"
                calls[name] = callers.start(name, method)
        elif kind == "cancel" and calls:
            list(calls.values())[int(str(what)) % len(calls)].cancel()
        elif kind == "time":
            await callers.pass_time(float(str(what)), step=1.0)
        await callers.settle()
    if stops:
        callers.limiter.close()
    else:
        await _until(callers, lambda: all(call.done() for call in calls.values()))
    ended = dict(zip(calls, await asyncio.gather(*calls.values(), return_exceptions=True), strict=True))
    assert {type(end) for end in ended.values()} <= {
        type(None),
        asyncio.CancelledError,
        ShuttingDown if stops else type(None),
    }
    assert sorted(callers.went) == sorted(name for name, end in ended.items() if end is None)
    await callers.settle()
    callers.assert_nothing_is_left()


async def _until(callers: Callers, condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await callers.settle()
        callers.clock.advance(INTERVAL / 2)
    raise AssertionError("somebody waits forever")


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["ada", "bob"]), min_size=1, max_size=40), st.sets(st.integers(0, 39)))
def test_waiting_calls_go_in_order_even_when_some_give_up(people: list[str], given_up: set[int]) -> None:
    asyncio.run(_go_in_order(people, given_up))


async def _go_in_order(people: list[str], given_up: set[int]) -> None:
    callers = Callers()
    await callers.hold(1)
    calls = [callers.start(f"{person} {number}") for number, person in enumerate(people)]
    await callers.settle()
    for number in given_up & set(range(len(calls))):
        calls[number].cancel()
    await _until(callers, lambda: all(call.done() for call in calls))
    stayed = [f"{person} {number}" for number, person in enumerate(people) if number not in given_up]
    assert callers.went == stayed
    callers.assert_nothing_is_left()


@settings(max_examples=25)
@given(st.sampled_from([GET, DELETE]), st.integers(1, 160), st.integers(1, 3), st.floats(0.1, 5))
def test_batches_take_at_most_half_and_are_done_when_they_say(
    method: str, count: int, batches: int, between: float
) -> None:
    asyncio.run(_run_batches(method, count, batches, between))


async def _run_batches(method: str, count: int, batches: int, between: float) -> None:
    callers = Callers()
    half = {GET: 25, DELETE: 50}[method]

    async def run(number: int) -> None:
        for item in range(count):
            await callers.call(f"batch {number} {item}", method)

    running = [asyncio.ensure_future(run(number)) for number in range(batches)]
    said = callers.limiter.line(method, "T1").batch_seconds(count * batches)
    began = callers.clock.monotonic()
    while not all(one.done() for one in running):
        before = -1
        while len(callers.went) > before:
            before = len(callers.went)
            await callers.settle()
        callers.clock.advance(between)
    await asyncio.gather(*running)
    for first, at in enumerate(callers.went_at):
        assert sum(at <= other < at + 60 for other in callers.went_at[first:]) <= half
    took = callers.went_at[-1] - began
    assert said <= took + 1e-6
    assert took <= said + between * (count * batches / half + 1)
    assert callers.rejections == {}


async def test_a_person_s_call_does_not_wait_for_a_batch(callers: Callers) -> None:
    batch = asyncio.gather(*(callers.start(f"batch {number}") for number in range(60)))
    await callers.settle()
    assert len(callers.went) == 25
    await asyncio.gather(*(callers.call(f"ada {number}") for number in range(24)))
    assert callers.rejections == {}
    await callers.hold(10)
    last = callers.start("ada 24")
    await callers.settle()
    assert callers.told["ada 24"] == [10]
    await callers.pass_time(10.1)
    assert callers.went[-1] == "ada 24"
    await _until(callers, lambda: batch.done())
    await asyncio.gather(batch, last)
    callers.assert_nothing_is_left()


async def test_a_method_that_is_not_known_has_the_lowest_limit(callers: Callers) -> None:
    unknown, lowest = (callers.limiter.line(method, "T1").batch_seconds(11) for method in ("apps.auth.new", LIST))
    assert unknown == lowest == pytest.approx(MINUTE)


async def test_after_a_429_a_batch_is_done_at_the_pace_of_everybody(callers: Callers) -> None:
    await callers.hold(10)
    assert callers.limiter.line(GET, "T1").batch_seconds(5) == pytest.approx(10 + 5 * INTERVAL)
    assert callers.limiter.line(GET, "T1").batch_seconds(0) == pytest.approx(10)
    assert callers.limiter.line(GET, "T2").batch_seconds(25) == 0
    assert callers.limiter.line(GET, "T2").batch_seconds(26) == pytest.approx(MINUTE)
