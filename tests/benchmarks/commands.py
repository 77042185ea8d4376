"""Extauth beside the least that does the same job: python -m tests.benchmarks.commands

A quick look, which writes nothing: --rounds 1 --only burst --contenders extauth-sqlite,guide
Written anew from the kept results, after a change of the targets' explanations: --write --only ''
"""

import asyncio
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from tests.benchmarks import machine
from tests.benchmarks.database import empty_database
from tests.benchmarks.document import document
from tests.benchmarks.fake_slack import FakeSlack
from tests.benchmarks.figures import Key, Results
from tests.benchmarks.plot import DARK, LIGHT, svg
from tests.benchmarks.process import CONTENDERS, DESIGNS, Contender
from tests.benchmarks.scenarios import SCENARIOS, SLOW_SCENARIOS, Figures, Trial
from tests.bot_process import ROOT

KEPT = Path(__file__).parent / "results.json"
"""The figures that the page shows. A run replaces those of what it measured."""
_EVERY = {**SCENARIOS, **SLOW_SCENARIOS}


def written(results: Results) -> dict[Path, str]:
    """The files that are made of the results."""
    docs = ROOT / "docs"
    return {
        KEPT: results.to_json(),
        docs / "benchmarks.md": document(results),
        docs / "benchmarks.svg": svg(results, LIGHT),
        docs / "benchmarks-dark.svg": svg(results, DARK),
    }


async def measure(scenario: str, contender: Contender) -> Figures:
    """Run one scenario with one contender, on an empty database."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="extauth-bench-")))
        url = await stack.enter_async_context(empty_database(contender.database, folder))
        slack = await stack.enter_async_context(FakeSlack())
        try:
            return await _EVERY[scenario].run(Trial(contender, slack, url, folder))
        except TimeoutError:
            raise RuntimeError(f"{contender.key} didn't answer everything: {slack.other_messages}") from None


async def run(rounds: int, scenarios: Sequence[str], contenders: Sequence[Contender]) -> Results:
    """Run every scenario with every contender in turn, so many times."""
    found: defaultdict[Key, list[float]] = defaultdict(list)
    on = await machine.describe(rounds)
    for number in range(rounds):
        for scenario in scenarios:
            only = _EVERY[scenario].contenders
            for contender in contenders:
                if contender.key not in only:
                    continue
                figures = await measure(scenario, contender)
                for name, value in figures.items():
                    found[scenario, name, contender.key].append(round(value, 3))
                told = ", ".join(f"{name} {value:.2f}" for name, value in figures.items())
                print(f"round {number + 1}, {scenario}, {contender.key}: {told}", flush=True)
    return Results(found, dict.fromkeys(scenarios, on))


def options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.benchmarks.commands")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"of {', '.join(_EVERY)}")
    parser.add_argument("--contenders", default=",".join(contender.key for contender in (*CONTENDERS, *DESIGNS)))
    parser.add_argument("--growth", action="store_true", help="also how memory grows, which takes minutes")
    parser.add_argument("--write", action="store_true", help="keep the results, and write docs/benchmarks.*")
    return parser.parse_args(arguments)


async def main(arguments: Sequence[str]) -> None:
    chosen = options(arguments)
    contenders = [contender for contender in (*CONTENDERS, *DESIGNS) if contender.key in chosen.contenders.split(",")]
    if await machine.postgresql_version() is None:
        print("No PostgreSQL answers: Extauth on PostgreSQL isn't measured.")
        contenders = [contender for contender in contenders if contender.database != "postgresql"]
    results = await run(chosen.rounds, [name for name in chosen.only.split(",") if name], contenders)
    if chosen.growth:
        results = results.updated(await run(1, list(SLOW_SCENARIOS), contenders))
    before = Results.from_json(KEPT.read_text()) if KEPT.exists() else Results()
    if chosen.write:
        for path, text in written(before.updated(results)).items():
            path.write_text(text)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
