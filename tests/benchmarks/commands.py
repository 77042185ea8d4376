"""Extauth beside the least that does the same job: python -m tests.benchmarks.commands

--rounds 1 --only burst,at-once --contenders extauth-sqlite,guide
"""

import asyncio
import sys
import tempfile
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg

from tests.benchmarks.fake_slack import FakeSlack
from tests.benchmarks.figures import Key, Results
from tests.benchmarks.process import CONTENDERS, Contender
from tests.benchmarks.scenarios import SCENARIOS, SLOW_SCENARIOS, Figures, Trial
from tests.databases import POSTGRES, new_database


async def measure(scenario: str, contender: Contender) -> Figures:
    """Run one scenario with one contender, on an empty database."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="extauth-bench-")))
        url = ""
        if contender.database:
            url = await stack.enter_async_context(new_database(contender.database, folder))
        slack = await stack.enter_async_context(FakeSlack())
        try:
            return await {**SCENARIOS, **SLOW_SCENARIOS}[scenario](Trial(contender, slack, url, folder))
        except TimeoutError:
            raise RuntimeError(f"{contender.key} didn't answer everything: {slack.other_messages}") from None


async def run(rounds: int, scenarios: Sequence[str], contenders: Sequence[Contender]) -> Results:
    """Run every scenario with every contender, one after the other, so many times."""
    found: defaultdict[Key, list[float]] = defaultdict(list)
    for number in range(rounds):
        for scenario in scenarios:
            for contender in contenders:
                figures = await measure(scenario, contender)
                for name, value in figures.items():
                    found[scenario, name, contender.key].append(value)
                told = ", ".join(f"{name} {value:.2f}" for name, value in figures.items())
                print(f"round {number + 1}, {scenario}, {contender.key}: {told}", flush=True)
    return Results(found)


async def postgresql_answers() -> bool:
    try:
        await (await asyncpg.connect(POSTGRES, timeout=3)).close()
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    return True


async def main(arguments: Sequence[str]) -> None:
    parser = ArgumentParser(prog="python -m tests.benchmarks.commands")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(SCENARIOS), help="scenarios, or growth")
    parser.add_argument("--contenders", default=",".join(contender.key for contender in CONTENDERS))
    chosen = parser.parse_args(arguments)
    contenders = [contender for contender in CONTENDERS if contender.key in chosen.contenders.split(",")]
    if not await postgresql_answers():
        print("No PostgreSQL answers: Extauth on PostgreSQL isn't measured.")
        contenders = [contender for contender in contenders if contender.database != "postgresql"]
    await run(chosen.rounds, chosen.only.split(","), contenders)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
