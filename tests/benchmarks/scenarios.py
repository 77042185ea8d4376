"""What is measured: each scenario runs one contender once, in a new process, and returns its figures."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.settings import Transport
from tests.benchmarks.fake_slack import FakeSlack
from tests.benchmarks.figures import percentile
from tests.benchmarks.load import Load
from tests.benchmarks.process import CONTENDERS, DESIGNS, Contender, Running, running
from tests.benchmarks.workspaces import WORKSPACES, entries_a_second

SLACK_SECONDS = 0.05
"""How long Slack takes to give a token, where that isn't nothing."""
_WARM_UP = 50
_GROWTH_AT_ONCE = 50
_GROWTH_FROM, _GROWTH_TO = 10_000, 100_000

Figures = Mapping[str, float]


@dataclass(frozen=True)
class Trial:
    """One contender, for one run of one scenario. `url` is its database's, empty where it has none."""

    contender: Contender
    slack: FakeSlack
    url: str
    folder: Path


async def burst(trial: Trial) -> Figures:
    """1,000 commands are due at the same moment. Slack takes 50 ms to give a token."""
    trial.slack.delay = SLACK_SECONDS
    async with running(trial.contender, "socket", trial.slack, trial.url, trial.folder) as process:
        load = Load(trial.slack, process.port)
        await load.over_socket_mode(_WARM_UP)
        load.clear()
        meter = Meter(process)
        await load.over_socket_mode(1000)
        return _latencies(load) | meter.figures(1000)


async def at_once(trial: Trial) -> Figures:
    """3,000 commands, 200 of them in progress at any moment. Slack takes 50 ms to give a token."""
    trial.slack.delay = SLACK_SECONDS
    async with running(trial.contender, "http", trial.slack, trial.url, trial.folder) as process:
        load = Load(trial.slack, process.port)
        await load.over_http(_WARM_UP, 10)
        load.clear()
        meter = Meter(process)
        await load.over_http(3000, 200)
        seconds = max(load.answered.values()) - min(load.sent.values())
        return _latencies(load) | {"rate": 3000 / seconds} | meter.figures(3000)


async def one_at_a_time(trial: Trial) -> Figures:
    """400 commands, each sent when the one before is answered. Slack answers at once."""
    trial.slack.delay = 0.0
    async with running(trial.contender, "http", trial.slack, trial.url, trial.folder) as process:
        load = Load(trial.slack, process.port)
        await load.over_http(_WARM_UP, 1)
        load.clear()
        await load.over_http(400, 1)
        return _latencies(load)


async def start_http(trial: Trial) -> Figures:
    """From the start of the process to the answer to its first command, and its memory then. The
    database was there before."""
    return await _start(trial, "http")


async def start_socket(trial: Trial) -> Figures:
    """The same over Socket Mode."""
    return await _start(trial, "socket")


async def _start(trial: Trial, transport: Transport) -> Figures:
    trial.slack.delay = 0.0
    # As at nearly every start, its modules are compiled then, and its tables are there.
    async with running(trial.contender, transport, trial.slack, trial.url, trial.folder):
        await asyncio.sleep(0)
    async with running(trial.contender, transport, trial.slack, trial.url, trial.folder) as process:
        load = Load(trial.slack, process.port)
        await (load.over_http(1, 1) if transport == "http" else load.over_socket_mode(1))
        return {"first_answer": (load.answered[0] - process.started) * 1000, "memory": process.megabytes()}


async def growth(trial: Trial) -> Figures:
    """How much resident memory grows from the 10,000th command of a process to its 100,000th, over HTTP."""
    trial.slack.delay = 0.0
    async with running(trial.contender, "http", trial.slack, trial.url, trial.folder) as process:
        load = Load(trial.slack, process.port)
        await load.over_http(_GROWTH_FROM, _GROWTH_AT_ONCE)
        before = process.megabytes()
        for _ in range(_GROWTH_FROM, _GROWTH_TO, _GROWTH_FROM):
            load.clear()
            await load.over_http(_GROWTH_FROM, _GROWTH_AT_ONCE)
        return {"growth": process.megabytes() - before}


async def workspaces(trial: Trial) -> Figures:
    """4 processes write to the audit log of 200 workspaces at once, ten entries in each, over one PostgreSQL. With one
    chain for all, hundreds of entries share a head and a commit, which costs the least CPU; but whoever holds that
    head (a process that hangs, a machine that has gone, a long pruning) holds up everybody."""
    each = trial.contender.key == "chain-each"
    return {"entries": await entries_a_second(trial.url, WORKSPACES if each else 1)}


class Meter:
    """What a process uses from now on."""

    def __init__(self, process: Running) -> None:
        self._process = process
        self._before = (time.perf_counter(), process.cpu_seconds(), process.waited_seconds())

    def figures(self, commands: int) -> dict[str, float]:
        """The milliseconds of CPU for each command, and how much of the time it waited for a core, in percent."""
        at, cpu, waited = self._before
        share = (self._process.waited_seconds() - waited) / (time.perf_counter() - at)
        return {"cpu": (self._process.cpu_seconds() - cpu) / commands * 1000, "waited": share * 100}


def _latencies(load: Load) -> dict[str, float]:
    acknowledged, answered = load.to_acknowledged(), load.to_answered()
    return {
        "ack_p50": percentile(acknowledged, 50),
        "ack_p99": percentile(acknowledged, 99),
        "answer_p50": percentile(answered, 50),
        "answer_p99": percentile(answered, 99),
    }


@dataclass(frozen=True)
class Scenario:
    """What is run, and what it's called in docs/benchmarks.md. The function's docstring describes it there."""

    title: str
    run: Callable[[Trial], Awaitable[Figures]]
    contenders: tuple[str, ...] = tuple(contender.key for contender in CONTENDERS)
    """Who is measured."""


SCENARIOS: Mapping[str, Scenario] = {
    "burst": Scenario("A burst over Socket Mode", burst),
    "at-once": Scenario("200 at once over HTTP", at_once),
    "one-at-a-time": Scenario("One at a time over HTTP", one_at_a_time),
    "start-http": Scenario("Start over HTTP", start_http),
    "start-socket": Scenario("Start over Socket Mode", start_socket),
    "workspaces": Scenario("200 workspaces at once", workspaces, tuple(design.key for design in DESIGNS)),
}
"""What `make bench` measures."""
SLOW_SCENARIOS = {"growth": Scenario("Memory after many commands", growth, ("extauth-sqlite",))}
"""What it measures only when it's asked to."""
