"""The line of calls after a 429: who goes when, who is sent away, and that nothing is left behind."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.slack.rate_limits import PER_MINUTE, RateLimits
from bot.slack.pacing import (
    WAIT_SECONDS,
    WANTED_SECONDS,
    Busy,
    Caller,
    NoLongerWanted,
    PacedCall,
    Pacer,
    SecondsLeft,
    Stopping,
)
from tests.manual_clock import ManualClock

GET, DELETE = "apps.auth.external.get", "apps.auth.external.delete"
INTERVAL = 61 / 50
MINUTE = 61


@dataclass
class Bench:
    """Callers of a method that counts its calls as Slack does."""

    clock: ManualClock = field(default_factory=ManualClock)
    went: list[str] = field(default_factory=list)
    rejections: dict[str, int] = field(default_factory=dict)
    told: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pacer = Pacer(self.clock)
        self.limits = RateLimits(self.clock)

    def caller(self, name: str, workspace: str = "T1", patience: float = WAIT_SECONDS) -> Caller:
        """A caller `person number`."""
        told = self.told.setdefault(name, [])
        person = name.partition(" ")[0]
        return Caller(workspace, person, lambda left: told.append(left()), patience=patience, yields=person == "yields")

    def begin(self, name: str, method: str = GET, workspace: str = "T1", patience: float = WAIT_SECONDS) -> PacedCall:
        return self.pacer.call(method, PER_MINUTE.get(method, 100), self.caller(name, workspace, patience))

    async def call(self, name: str, method: str = GET, workspace: str = "T1") -> None:
        paced = self.begin(name, method, workspace)
        while True:
            async with paced:
                await asyncio.sleep(0)
                seconds = self.limits.retry_after(method, workspace)
                if seconds is None:
                    self.went.append(name)
                    return
                self.rejections[name] = self.rejections.get(name, 0) + 1
                assert paced.rejected(seconds)

    def start(self, name: str, method: str = GET, workspace: str = "T1") -> "asyncio.Task[None]":
        return asyncio.ensure_future(self.call(name, method, workspace))

    async def hold(self, seconds: int = 10, method: str = GET, workspace: str = "T1") -> None:
        """Somebody's call gets a 429."""
        assert await self.go(self.begin("somebody", method, workspace), seconds)

    async def go(self, paced: PacedCall, rejected: int | None = 0) -> bool:
        """Send a call, which is rejected unless that is 0."""
        async with paced:
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

    def assert_nothing_is_left(self) -> None:
        """After a minute nobody waits, nothing sleeps, and no line is kept."""
        self.clock.advance(200)
        self.begin("ada", "other")
        assert list(self.pacer._lines) == [("other", "T1")]
        assert self.clock._sleepers == []


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_without_a_429_every_call_goes_at_once(bench: Bench) -> None:
    for number in range(50):
        await asyncio.wait_for(bench.call(f"ada {number}"), 1)
    assert bench.told == {f"ada {number}": [] for number in range(50)}


async def test_a_429_holds_back_every_call_of_its_method_and_workspace(bench: Bench) -> None:
    await bench.hold(10)
    held = [bench.start("ada 1"), bench.start("bob 1")]
    others = [bench.start("ada 2", DELETE), bench.start("ada 3", GET, "T2")]
    await bench.settle()
    assert sorted(bench.went) == ["ada 2", "ada 3"]
    await bench.pass_time(9.9)
    assert len(bench.went) == 2
    await bench.pass_time(0.2)
    assert bench.went[2:] == ["ada 1"]
    await bench.pass_time(INTERVAL)
    assert bench.went[3:] == ["bob 1"]
    await asyncio.gather(*held, *others)


async def test_people_take_turns_and_each_ones_calls_keep_their_order(bench: Bench) -> None:
    await bench.hold(10)
    names = ["ada 1", "ada 2", "ada 3", "bob 1", "cyn 1", "cyn 2"]
    calls = []
    for name in names:
        calls.append(bench.start(name))
        await bench.settle()
    await bench.pass_time(10 + 5.5 * INTERVAL)
    assert bench.went == ["ada 1", "bob 1", "cyn 1", "ada 2", "cyn 2", "ada 3"]
    await asyncio.gather(*calls)
    bench.assert_nothing_is_left()


async def test_a_call_that_was_rejected_late_comes_before_the_persons_later_ones(bench: Bench) -> None:
    first, went = bench.begin("ada 1"), []

    async def again() -> None:
        async with first:
            went.append("ada 1")

    async with first:
        await bench.hold(10)
        second = bench.start("ada 2")
        await bench.settle()
        assert first.rejected(10)
    turn = asyncio.ensure_future(again())
    await bench.pass_time(10.1)
    assert (went, bench.went) == (["ada 1"], [])
    await bench.pass_time(INTERVAL)
    assert bench.went == ["ada 2"]
    await asyncio.gather(turn, second)


async def test_everybody_is_told_how_long_it_takes(bench: Bench) -> None:
    await bench.hold(10)
    for name in ("ada 1", "ada 2", "ada 3", "bob 1"):
        bench.start(name)
        await bench.settle()
    assert {name: told for name, told in bench.told.items() if told} == {
        "ada 1": [10],
        "ada 2": [12],
        "ada 3": [13],
        "bob 1": [12],
    }
    await bench.pass_time(10 + 5 * INTERVAL)
    # Bob came in between, so ada's later ones took longer than she was told at first.
    assert len(bench.told["ada 3"]) <= 2
    assert len(bench.went) == 4


async def test_a_burst_is_rejected_once_and_then_paced(bench: Bench) -> None:
    calls = [bench.start(f"ada {number}") for number in range(120)]
    await bench.settle()
    assert len(bench.went) == 50
    await _until(bench, lambda: all(call.done() for call in calls))
    await asyncio.gather(*calls)
    assert set(bench.rejections.values()) == {1}
    assert len(bench.rejections) == 70
    assert bench.went == [f"ada {number}" for number in range(120)]


async def test_a_rejection_at_the_pace_slows_it_down_and_it_recovers(bench: Bench) -> None:
    await bench.hold(10)
    turn = asyncio.ensure_future(bench.go(bench.begin("ada 1"), 10))
    await bench.settle()
    bench.clock.advance(10)
    assert await turn
    calls = [bench.start(f"ada {number}") for number in range(2, 5)]
    await bench.pass_time(10.1)
    assert bench.went == ["ada 2"]
    await bench.pass_time(INTERVAL * 1.9)
    assert bench.went == ["ada 2"]
    await bench.pass_time(INTERVAL * 0.2)
    assert bench.went == ["ada 2", "ada 3"]
    await bench.pass_time(INTERVAL * 1.97)
    assert bench.went == ["ada 2", "ada 3", "ada 4"]
    await asyncio.gather(*calls)


async def test_a_wait_that_is_too_long_is_refused_at_once_and_says_how_long_it_is(bench: Bench) -> None:
    await bench.hold(30)
    with pytest.raises(Busy) as refused:
        await bench.go(bench.begin("ada 1", patience=29))
    assert refused.value.seconds == 30
    turn = asyncio.ensure_future(bench.go(bench.begin("ada 1", patience=31)))
    await bench.settle()
    bench.clock.advance(30)
    await turn


async def test_who_waits_when_the_hold_grows_too_long_is_told_when_their_time_is_over(bench: Bench) -> None:
    await bench.hold(30)
    waiting = asyncio.ensure_future(bench.go(bench.begin("ada 1", patience=40)))
    await bench.settle()
    await bench_hold_again(bench, 300)
    bench.clock.advance(31)
    with pytest.raises(Busy) as refused:
        await asyncio.wait_for(waiting, 5)
    assert refused.value.seconds == 269
    bench.clock.advance(400)
    bench.assert_nothing_is_left()


async def bench_hold_again(bench: Bench, seconds: int) -> None:
    """A call of the burst that was sent before the hold gets its 429 only now."""
    bench.pacer._lines[GET, "T1"].hold(seconds, 0)


@pytest.mark.parametrize("seconds", [None, int(WAIT_SECONDS) + 1])
async def test_a_429_that_nobody_would_wait_out_holds_nobody_back(bench: Bench, seconds: int | None) -> None:
    assert not await bench.go(bench.begin("ada 1"), seconds)
    await asyncio.wait_for(bench.go(bench.begin("bob 1")), 1)


async def test_a_stop_sends_everybody_away(bench: Bench) -> None:
    await bench.hold(10)
    turns = [asyncio.ensure_future(bench.go(bench.begin(name))) for name in ("ada 1", "bob 1")]
    await bench.settle()
    bench.pacer.close()
    assert [type(end) for end in await asyncio.gather(*turns, return_exceptions=True)] == [Stopping, Stopping]
    with pytest.raises(Stopping):
        await bench.go(bench.begin("cyn 1"))
    bench.assert_nothing_is_left()


async def test_what_is_checked_after_a_wait_can_stop_the_call(bench: Bench) -> None:
    async def recheck() -> None:
        raise PermissionError

    caller = Caller("T1", "ada", recheck=recheck)
    await bench.go(bench.pacer.call(GET, 50, caller))
    await bench.hold(10)
    turn = asyncio.ensure_future(bench.go(bench.pacer.call(GET, 50, caller)))
    await bench.settle()
    bench.clock.advance(10)
    with pytest.raises(PermissionError):
        await turn
    bench.assert_nothing_is_left()


@pytest.mark.parametrize("is_known_in_time", [True, False])
async def test_what_nobody_can_tell_of_waits_on_and_is_not_sent(bench: Bench, is_known_in_time: bool) -> None:
    wanted: bool | None = None
    left: list[SecondsLeft] = []

    async def is_wanted() -> bool | None:
        return wanted

    await bench.hold(10)
    caller = Caller("T1", "ada", left.append, is_wanted=is_wanted)
    turn = asyncio.ensure_future(bench.go(bench.pacer.call(GET, 50, caller)))
    await bench.settle()
    bench.clock.advance(WANTED_SECONDS)
    await bench.settle()
    assert [seconds_left() for seconds_left in left] == [8, 8]
    wanted = True if is_known_in_time else None
    bench.clock.advance(10)
    if is_known_in_time:
        await turn
    else:
        with pytest.raises(NoLongerWanted):
            await turn
    assert {seconds_left() for seconds_left in left} == {0}
    bench.assert_nothing_is_left()


@pytest.mark.parametrize("asked_in_time", [True, False])
async def test_what_is_no_longer_wanted_leaves_the_line(bench: Bench, asked_in_time: bool) -> None:
    wanted = True

    async def is_wanted() -> bool:
        return wanted

    await bench.hold(10)
    left: list[SecondsLeft] = []
    caller = Caller("T1", "ada", left.append, is_wanted=is_wanted)
    turn = asyncio.ensure_future(bench.go(bench.pacer.call(GET, 50, caller)))
    other = bench.start("bob 1")
    await bench.settle()
    bench.clock.advance(WANTED_SECONDS)
    await bench.settle()
    assert not turn.done()
    wanted = False
    bench.clock.advance(WANTED_SECONDS if asked_in_time else 10)
    with pytest.raises(NoLongerWanted):
        await turn
    assert left[0]() == 0
    await bench.pass_time(10)
    await other
    assert bench.went == ["bob 1"]
    bench.assert_nothing_is_left()


async def test_lines_of_workspaces_that_are_quiet_are_forgotten(bench: Bench) -> None:
    for number in range(100):
        await bench.hold(1, GET, f"T{number}")
    bench.clock.advance(63)
    await bench.hold(1, GET, "T100")
    assert list(bench.pacer._lines) == [(GET, "T100")]


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.sampled_from(["ada", "bob", "cyn"]), st.sampled_from([GET, DELETE])),
        st.tuples(st.just("cancel"), st.integers(0, 200), st.none()),
        st.tuples(st.just("time"), st.floats(0.1, 20), st.none()),
        st.tuples(st.just("burst"), st.integers(1, 70), st.sampled_from([GET, DELETE])),
    ),
    max_size=16,
)


@settings(max_examples=25)
@given(ACTS, st.booleans())
def test_whatever_happens_nobody_is_forgotten_or_sent_twice(acts: list[tuple[str, object, str]], stops: bool) -> None:
    asyncio.run(_play(acts, stops))


async def _play(acts: list[tuple[str, object, str]], stops: bool) -> None:
    bench = Bench()
    calls: dict[str, asyncio.Task[None]] = {}
    for kind, what, method in acts:
        if kind == "call":
            name = f"{what} {len(calls)}"
            calls[name] = bench.start(name, method)
        elif kind == "burst":
            for _ in range(int(str(what))):
                name = f"ada {len(calls)}"
                calls[name] = bench.start(name, method)
        elif kind == "cancel" and calls:
            list(calls.values())[int(str(what)) % len(calls)].cancel()
        elif kind == "time":
            await bench.pass_time(float(str(what)), step=1.0)
        await bench.settle()
    if stops:
        bench.pacer.close()
    else:
        await _until(bench, lambda: all(call.done() for call in calls.values()))
    ended = dict(zip(calls, await asyncio.gather(*calls.values(), return_exceptions=True), strict=True))
    assert {type(end) for end in ended.values()} <= {
        type(None),
        asyncio.CancelledError,
        Stopping if stops else type(None),
    }
    assert sorted(bench.went) == sorted(name for name, end in ended.items() if end is None)
    assert all(count <= 1 for count in bench.rejections.values()), "a call was rejected twice"
    await bench.settle()
    bench.assert_nothing_is_left()


async def _until(bench: Bench, condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await bench.settle()
        bench.clock.advance(INTERVAL / 2)
    raise AssertionError("somebody waits forever")


@settings(max_examples=25)
@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=40))
def test_nobody_is_ahead_of_another_by_more_than_one_turn(people: list[str]) -> None:
    asyncio.run(_take_turns(people))


async def _take_turns(people: list[str]) -> None:
    bench = Bench()
    await bench.hold(1)
    calls = [bench.start(f"{person} {number}") for number, person in enumerate(people)]
    await _until(bench, lambda: all(call.done() for call in calls))
    turns = [name.partition(" ")[0] for name in bench.went]
    for end in range(len(turns)):
        left = {person: people.count(person) - turns[: end + 1].count(person) for person in set(people)}
        had = {person: turns[: end + 1].count(person) for person in set(people)}
        waiting = [had[person] for person, count in left.items() if count]
        # Whoever still waits has had as many turns as anybody, or one fewer.
        assert not waiting or max(had.values()) - min(waiting) <= 1
    for person in set(people):
        own = [int(name.split()[1]) for name in bench.went if name.startswith(f"{person} ")]
        assert own == sorted(own)


async def test_who_yields_goes_when_nobody_else_waits() -> None:
    bench = Bench()
    await bench.hold(1)
    calls = [bench.start(f"{person} {number}") for number, person in enumerate(["yields", "a", "b", "yields", "a"])]
    await _until(bench, lambda: all(call.done() for call in calls))
    assert [name.partition(" ")[0] for name in bench.went] == ["a", "b", "a", "yields", "yields"]
    told = {name: seconds[0] for name, seconds in bench.told.items() if name != "somebody"}
    # The first of each is told when its turn comes, as far as can be told when it comes into the line.
    assert told["yields 3"] > told["a 1"]
    bench.assert_nothing_is_left()
