"""What is measured: each scenario runs one contender once, in a new process, and returns its figures."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.fake_slack import FakeSlack
from tests.benchmarks.figures import percentile
from tests.benchmarks.load import Load
from tests.benchmarks.process import Contender, running

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
    """1,000 commands at the same moment over Socket Mode."""
    trial.slack.delay = SLACK_SECONDS
    async with running(trial.contender, "socket", trial.slack, trial.url, trial.folder) as process:
        load = Load(trial.slack, process.port)
        await load.over_socket_mode(_WARM_UP)
        load.clear()
        before = process.cpu_seconds()
        await load.over_socket_mode(1000)
        return _latencies(load) | {"cpu": (process.cpu_seconds() - before) / 1000 * 1000}


async def at_once(trial: Trial) -> Figures:
    """3,000 commands over HTTP, 200 of them in progress at any moment."""
    trial.slack.delay = SLACK_SECONDS
    async with running(trial.contender, "http", trial.slack, trial.url, trial.folder) as process:
        load = Load(trial.slack, process.port)
        await load.over_http(_WARM_UP, 10)
        load.clear()
        before = process.cpu_seconds()
        await load.over_http(3000, 200)
        seconds = max(load.answered.values()) - min(load.sent.values())
        used = (process.cpu_seconds() - before) / 3000 * 1000
        return _latencies(load) | {"rate": 3000 / seconds, "cpu": used}


async def one_at_a_time(trial: Trial) -> Figures:
    """400 commands over HTTP, one after the other, with a Slack that answers at once."""
    trial.slack.delay = 0.0
    async with running(trial.contender, "http", trial.slack, trial.url, trial.folder) as process:
        load = Load(trial.slack, process.port)
        await load.over_http(_WARM_UP, 1)
        load.clear()
        await load.over_http(400, 1)
        return _latencies(load)


async def start_http(trial: Trial) -> Figures:
    """From the start of the process to the answer to its first command, over HTTP; and its memory then."""
    trial.slack.delay = 0.0
    if trial.contender.database:
        # A start is nearly always one on a database that is there.
        async with running(trial.contender, "http", trial.slack, trial.url, trial.folder):
            pass
    async with running(trial.contender, "http", trial.slack, trial.url, trial.folder) as process:
        load = Load(trial.slack, process.port)
        await load.over_http(1, 1)
        return {"first_answer": (load.answered[0] - process.started) * 1000, "memory": process.megabytes()}


async def start_socket(trial: Trial) -> Figures:
    """The same over Socket Mode."""
    trial.slack.delay = 0.0
    if trial.contender.database:
        async with running(trial.contender, "socket", trial.slack, trial.url, trial.folder):
            pass
    async with running(trial.contender, "socket", trial.slack, trial.url, trial.folder) as process:
        load = Load(trial.slack, process.port)
        await load.over_socket_mode(1)
        return {"first_answer": (load.answered[0] - process.started) * 1000, "memory": process.megabytes()}


async def growth(trial: Trial) -> Figures:
    """How much memory grows from the 10,000th command to the 100,000th, over HTTP."""
    trial.slack.delay = 0.0
    async with running(trial.contender, "http", trial.slack, trial.url, trial.folder) as process:
        load = Load(trial.slack, process.port)
        await load.over_http(_GROWTH_FROM, _GROWTH_AT_ONCE)
        before = process.megabytes()
        for _ in range(_GROWTH_FROM, _GROWTH_TO, _GROWTH_FROM):
            load.clear()
            await load.over_http(_GROWTH_FROM, _GROWTH_AT_ONCE)
        return {"growth": process.megabytes() - before}


def _latencies(load: Load) -> dict[str, float]:
    acknowledged, answered = load.to_acknowledged(), load.to_answered()
    return {
        "ack_p50": percentile(acknowledged, 50),
        "ack_p99": percentile(acknowledged, 99),
        "answer_p50": percentile(answered, 50),
        "answer_p99": percentile(answered, 99),
    }


SCENARIOS: Mapping[str, Callable[[Trial], Awaitable[Figures]]] = {
    "burst": burst,
    "at-once": at_once,
    "one-at-a-time": one_at_a_time,
    "start-http": start_http,
    "start-socket": start_socket,
}
"""What `make bench` measures."""
SLOW_SCENARIOS = {"growth": growth}
"""What it measures only when it's asked to."""
