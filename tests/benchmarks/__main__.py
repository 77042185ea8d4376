"""Extauth beside the least that does the same job: python -m tests.benchmarks

A quick look, which writes nothing: --rounds 1 --only burst --contenders extauth-sqlite,guide
The page anew from the kept figures: --rewrite
"""

import asyncio
import os
import platform
import sqlite3
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import asyncpg

from tests.benchmarks.document import KEPT, written
from tests.benchmarks.figures import Key, Results
from tests.benchmarks.process import CONTENDERS, Contender, open_trial
from tests.benchmarks.scenarios import SCENARIOS, Figures
from tests.databases import POSTGRES

_PACKAGES = ("aiohttp", "slack_bolt", "slack_sdk", "SQLAlchemy", "asyncpg")


async def measure(scenario: str, contender: Contender) -> Figures:
    """Run one scenario with one contender."""
    async with open_trial(contender) as trial:
        try:
            return await SCENARIOS[scenario].run(trial)
        except TimeoutError:
            told = f"{trial.slack.other_messages}\n{(trial.folder / 'output.txt').read_text()}"
            raise RuntimeError(f"{contender.key} didn't answer everything: {told}") from None


async def run(rounds: int, scenarios: Sequence[str], contenders: Sequence[Contender]) -> Results:
    """Run every scenario with every contender in turn, so many times."""
    postgresql = await postgresql_version()
    if postgresql is None:
        print("No PostgreSQL answers: Extauth on PostgreSQL isn't measured.")
        contenders = [contender for contender in contenders if contender.database != "postgresql"]
    found: defaultdict[Key, list[float]] = defaultdict(list)
    for number in range(rounds):
        for name in scenarios:
            scenario = SCENARIOS[name]
            for contender in contenders:
                if contender not in scenario.contenders or (number and not scenario.is_repeated):
                    continue
                figures = await measure(name, contender)
                for one, value in figures.items():
                    found[name, one, contender.key].append(round(value, 3))
                told = ", ".join(f"{one} {value:.2f}" for one, value in figures.items())
                print(f"round {number + 1}, {name}, {contender.key}: {told}", flush=True)
    return Results(found, describe(rounds, postgresql))


async def postgresql_version() -> str | None:
    """None where no PostgreSQL answers."""
    try:
        server = await asyncpg.connect(POSTGRES, timeout=3)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return None
    try:
        return str(server.get_server_version().major)
    finally:
        await server.close()


def describe(rounds: int, postgresql: str | None) -> dict[str, str]:
    """What a reader needs to judge the figures: the kind of machine and the versions."""
    packages = [f"{package} {version(package)}" for package in _PACKAGES]
    databases = [f"SQLite {sqlite3.sqlite_version}", f"PostgreSQL {postgresql or 'none'}"]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "rounds": str(rounds),
        "machine": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
        "versions": ", ".join([f"Python {platform.python_version()}", *packages, *databases]),
    }


def main(arguments: Sequence[str]) -> None:
    parser = ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help=f"of {', '.join(SCENARIOS)}")
    parser.add_argument("--contenders", help=f"of {', '.join(contender.key for contender in CONTENDERS)}")
    parser.add_argument("--rewrite", action="store_true", help="measure nothing")
    chosen = parser.parse_args(arguments)
    scenarios = chosen.only.split(",") if chosen.only else [*SCENARIOS]
    keys = chosen.contenders.split(",") if chosen.contenders else [contender.key for contender in CONTENDERS]
    results = (
        Results.from_json(KEPT.read_text())
        if chosen.rewrite
        else asyncio.run(run(chosen.rounds, scenarios, [one for one in CONTENDERS if one.key in keys]))
    )
    if not (chosen.only or chosen.contenders):
        for path, text in written(results).items():
            path.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
