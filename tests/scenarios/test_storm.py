"""Processes killed at any moment, and every envelope delivered twice. `make storm`: a minute on each database."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.slack.delivery import NotAcknowledged
from bot.sandbox.slack.server import SimulatedSlack
from tests.acknowledged import interrupted_and_told, times_recorded, verified_entries
from tests.bot_process import bot_process, simulated_slack
from tests.databases import DATABASES, new_database
from tests.scenarios.test_once import payload

SECONDS = float(os.environ.get("EXTAUTH_TEST_STORM", "4"))
METHODS = ("apps.auth.external.get", "apps.auth.external.delete")


class Storm:
    """Types commands, each with an ID of its own, and delivers every envelope to both processes."""

    def __init__(self, slack: SimulatedSlack, chance: random.Random) -> None:
        self.slack = slack
        self.chance = chance
        self.acknowledged = 0
        self._sending: set[asyncio.Task[None]] = set()

    def type_one(self, number: int) -> None:
        token_id = f"EtStorm{number}"
        text = self.chance.choice([f"get {token_id}", f"get {token_id} --force-refresh", f"delete {token_id} --yes"])
        sent = payload(self.slack, text)
        for delivery in range(2):
            task = asyncio.ensure_future(self._deliver(f"{token_id}-{delivery}", sent, delivery * 0.3))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _deliver(self, envelope: str, sent: dict[str, Any], after: float) -> None:
        await asyncio.sleep(after)
        for _ in range(3):
            try:
                await self.slack.socket_mode.send(envelope, "slash_commands", sent)
            except NotAcknowledged:
                await asyncio.sleep(0.2)
                continue
            self.acknowledged += 1
            return

    async def settle(self) -> None:
        await asyncio.gather(*self._sending)


@pytest.mark.storm
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("kind", DATABASES)
async def test_no_act_without_attempt_none_twice_and_who_was_cut_off_is_told(
    kind: str, processes: int, tmp_path: Path
) -> None:
    chance = random.Random(20261124)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(new_database(kind, tmp_path))
        slack = await stack.enter_async_context(simulated_slack())
        slack.web_api.rate_limits.is_on = False
        slack.web_api.latency = 0.02
        storm, number, until = Storm(slack, chance), 0, time.monotonic() + SECONDS
        while time.monotonic() < until:
            async with AsyncExitStack() as running:
                bots = [
                    await running.enter_async_context(bot_process("socket", slack, DATABASE_URL=url))
                    for _ in range(processes)
                ]
                for _ in range(chance.randrange(20, 60)):
                    storm.type_one(number)
                    number += 1
                    await asyncio.sleep(chance.uniform(0, 0.02))
                for bot in chance.sample(bots, processes):
                    await bot.stop(signal.SIGKILL)
                    await asyncio.sleep(chance.uniform(0.1, 0.5))
        async with bot_process("socket", slack, DATABASE_URL=url) as last:
            await storm.settle()
            await last.until_said('"Socket Mode is connected"')
            await last.stop()
        cut_off = await interrupted_and_told(slack, url)

        asked = Counter(
            str(exchange.body["external_token_id"]) for exchange in slack.state.traffic if exchange.kind in METHODS
        )
        plain = Counter(
            str(exchange.body["external_token_id"])
            for exchange in slack.state.traffic
            if exchange.kind == METHODS[0] and not exchange.body.get("force_refresh")
        )
        # A get that changes nothing may be sent once more by a process whose connection broke.
        assert [token_id for token_id, count in (asked - plain).items() if count > 1] == []
        assert max(plain.values(), default=0) <= 2
        recorded = times_recorded(await verified_entries(url))
        assert max(recorded.values()) == 1
        assert set(asked) <= set(recorded)

        assert len(recorded) >= len(cut_off) > 0
        print(f"\n{number} commands, {storm.acknowledged} acknowledged, {len(recorded)} begun, {len(cut_off)} cut off")
