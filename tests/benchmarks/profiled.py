"""Where the bot's time goes under the benchmark's load: python -m tests.benchmarks.profiled [http] [postgresql]

Over Socket Mode on SQLite, unless told otherwise. cProfile makes every call dearer, so the shares tell more than the
seconds. It sees the main thread only, which is where everything but SQLite's own work is done.
"""

import asyncio
import pstats
import re
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.benchmarks.load import Load
from tests.benchmarks.process import POSTGRESQL, SQLITE, Contender, open_trial, running
from tests.benchmarks.scenarios import SLACK_SECONDS

COMMANDS = 2000
_AT_ONCE = 200
_SHOWN = 30
_INSTALLED = re.compile(r"site-packages/(\w+)")
_OURS = re.compile(r"/bot/(\w+)")
_STANDARD = re.compile(r"/python3\.\d+/(\w+)")
_WAITING = "<method 'poll' of 'select.epoll' objects>"
Function = tuple[str, int, str]


def package(function: Function) -> str:
    """The package that a function is from; "" where it's written in C."""
    file = function[0]
    for pattern, prefix in ((_INSTALLED, ""), (_OURS, "bot."), (_STANDARD, "Python's ")):
        if found := pattern.search(file):
            return prefix + found[1]
    return ""


def by_package(stats: Mapping[Function, Any]) -> Counter[str]:
    """The seconds that each package used itself; what it calls in C is counted as its own."""
    used: Counter[str] = Counter()
    for function, (_, _, own, _, callers) in stats.items():
        if package(function):
            used[package(function)] += own
            continue
        for caller, (_, _, for_caller, _) in callers.items():
            used[package(caller) or "C"] += for_caller
    return used


async def profile(transport: str, contender: Contender) -> Mapping[Function, Any]:
    """Run the bot under cProfile and the load."""
    async with open_trial(contender) as trial:
        trial.slack.delay = SLACK_SECONDS
        profiler = ("-m", "cProfile", "-o", str(trial.folder / "profile"))
        async with running(trial, transport, *profiler) as process:
            load = Load(trial.slack, process.port)
            if transport == "http":
                await load.over_http(COMMANDS, _AT_ONCE)
            else:
                await load.over_socket_mode(COMMANDS)
        # typeshed doesn't declare what pstats keeps its numbers in.
        found: Mapping[Function, Any] = pstats.Stats(str(trial.folder / "profile")).stats  # type: ignore[attr-defined]
    return found


def _place(function: Function) -> str:
    file = re.sub(r".*/(?=site-packages/|bot/|python3)", "", function[0]).removeprefix("site-packages/")
    return f"{file}:{function[1]} {function[2]}" if package(function) else function[2]


async def main(transport: str, contender: Contender) -> None:
    measured = await profile(transport, contender)
    stats = {function: told for function, told in measured.items() if function[2] != _WAITING}
    used = by_package(stats)
    total = used.total()
    print(f"{COMMANDS:,} commands over {transport} with {contender.title}, with start and stop: {total:.1f} s")
    for name, seconds in used.most_common():
        if seconds / total >= 0.005:
            print(f"{seconds / total:6.1%}  {seconds:6.2f} s  {name}")
    print("\nfunctions, by their own time")
    for function, (_, calls, own, _, _) in sorted(stats.items(), key=lambda item: -item[1][2])[:_SHOWN]:
        print(f"{own / total:6.1%}  {own:6.2f} s  {calls:>8,} calls  {_place(function)}")


if __name__ == "__main__":
    chosen = POSTGRESQL if "postgresql" in sys.argv[1:] else SQLITE
    asyncio.run(main("http" if "http" in sys.argv[1:] else "socket", chosen))
