"""Four processes under load: each killed and started again in turn, and PostgreSQL restarted. Nothing twice, nobody
left in the dark, and every chain whole."""

import asyncio
import contextlib
import random
import signal
from collections import Counter
from pathlib import Path

import pytest

from bot.background.tasks import INTERRUPTED_SECONDS
from bot.sandbox.slack.delivery import NotAcknowledged
from bot.sandbox.slack.state import StoredToken
from tests.acknowledged import Acknowledged, times_recorded, verified_entries
from tests.audit_log import configured, open_audit_log
from tests.databases import restarted
from tests.fleet import KEY, PROCESSES, WEBS, WORKERS, Fleet, open_fleet
from tests.harness import ADMIN, OWNER
from tests.installing import BLUE, ONE, ORGANIZATION, RED, TWO
from tests.manual_clock import ManualClock
from tests.scenarios.test_once import payload

pytestmark = [pytest.mark.fleet, pytest.mark.process]

GET, DELETE = "apps.auth.external.get", "apps.auth.external.delete"
TEAMS = (ONE, TWO, RED, BLUE)
PAUSE_SECONDS = 0.03
"""About how long it takes until somebody types the next command."""
ATTEMPTS = 5
REPEATED = 0.3


class Crowd:
    """People of every workspace, each of whose commands is about a token of its own."""

    def __init__(self, fleet: Fleet, chance: random.Random) -> None:
        self.typed = 0
        self._fleet = fleet
        self._chance = chance
        self._acknowledged = {team: Acknowledged(fleet.slack, fleet.many.workspace(team)) for team in TEAMS}
        self._sending: set[asyncio.Task[None]] = set()
        self._told_at_once = 0

    def __str__(self) -> str:
        acknowledged = sum(len(one) for one in self._acknowledged.values())
        return f"{self.typed} commands, {acknowledged} acknowledged, {self._told_at_once} told at once"

    async def type_until(self, is_over: asyncio.Event) -> None:
        """Type one command after another, whatever comes of it."""
        while not is_over.is_set():
            self._type_one()
            await asyncio.sleep(self._chance.uniform(0, 2 * PAUSE_SECONDS))

    def killed(self) -> None:
        """Owe nothing at once to those whose process was killed."""
        for acknowledged in self._acknowledged.values():
            acknowledged.killed()

    async def settle(self) -> None:
        """Wait until everything typed is acknowledged or given up. Then everybody must have been told already."""
        await asyncio.gather(*self._sending)
        untold = [name for acknowledged in self._acknowledged.values() for name in acknowledged.untold()]
        lines = [line for output in self._fleet.printed for line in output.splitlines()]
        assert untold == [], "\n".join(line for line in lines if '"level": "info"' not in line)

    def _type_one(self) -> None:
        self.typed += 1
        team, user = self._chance.choice(TEAMS), self._chance.choice((ADMIN, OWNER))
        workspace, token_id = self._fleet.many.workspace(team), f"Et{team}{self.typed:06d}"
        workspace.state.tokens[token_id] = StoredToken(token_id, "google", f"google-{token_id}-{'x' * 20}")
        text = self._chance.choice((f"get {token_id}", f"get {token_id} --force-refresh", f"delete {token_id} --yes"))
        sent = payload(self._fleet.slack, text, user, workspace)
        task = asyncio.ensure_future(self._deliver(team, f"{team}: {text}", sent))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _deliver(self, team: str, name: str, sent: dict[str, str]) -> None:
        """Deliver it, and again where it isn't acknowledged: the bot may have taken it, or not."""
        for attempt in range(ATTEMPTS):
            way = self._chance.choice((self._fleet.http, self._fleet.slack.socket_mode))
            try:
                answer = await way.deliver("slash_commands", sent)
            except NotAcknowledged:
                await asyncio.sleep(0.2 * (attempt + 1))
                continue
            if answer.get("text"):
                # The database didn't say how to serve this workspace, which the acknowledgement says.
                self._told_at_once += 1
            else:
                self._acknowledged[team].add(name, sent)
                await self._repeat(sent)
            return

    async def _repeat(self, sent: dict[str, str]) -> None:
        """Deliver some once more, as Slack does when it has missed the acknowledgement."""
        if self._chance.random() < REPEATED:
            with contextlib.suppress(NotAcknowledged):
                await self._fleet.slack.socket_mode.deliver("slash_commands", sent)


async def install_all(fleet: Fleet) -> None:
    for place in (ONE, TWO, ORGANIZATION):
        assert "Extauth is installed" in (await fleet.many.install(place)).text


async def each_is_killed_and_started_again(fleet: Fleet) -> None:
    for name in (*WEBS, *WORKERS):
        await fleet.stop(name, signal.SIGKILL)
        await fleet.start(name)


def sent_to_slack(fleet: Fleet) -> tuple[Counter[str], Counter[str]]:
    """How often Slack was asked to change something about each token, and how often only to hand it out."""
    changes: Counter[str] = Counter()
    gets: Counter[str] = Counter()
    for team in TEAMS:
        for exchange in fleet.many.workspace(team).state.traffic:
            if exchange.kind in (GET, DELETE):
                is_plain = exchange.kind == GET and not exchange.body.get("force_refresh")
                (gets if is_plain else changes)[exchange.body["external_token_id"]] += 1
    return changes, gets


async def until_typed(crowd: Crowd, more: int) -> None:
    """Wait until so many more commands are typed."""
    enough = crowd.typed + more
    while crowd.typed < enough:  # noqa: ASYNC110
        await asyncio.sleep(PAUSE_SECONDS)


async def nothing_was_done_twice(fleet: Fleet) -> Counter[str]:
    """Hold what Slack was asked against the audit log. Returns how often each outcome is in it."""
    entries = await verified_entries(fleet.database_url, EXTAUTH_SECRET_KEY=KEY)
    recorded, (changes, gets) = times_recorded(entries), sent_to_slack(fleet)
    assert [token_id for token_id, count in changes.items() if count > 1] == []
    # A get that changes nothing may be sent once more by a process whose connection broke.
    assert max(gets.values()) <= 2
    assert max(recorded.values()) == 1
    assert {*changes, *gets} <= {*recorded}
    assert {entry.team_id for entry in entries} == {*TEAMS}
    assert None not in {entry.outcome for entry in entries}
    for team in TEAMS:
        verified = await fleet.command("audit", "verify", "--workspace", team)
        assert verified.stdout.startswith("The audit log is intact"), verified
    return Counter(str(entry.outcome) for entry in entries)


@pytest.mark.slow
async def test_whatever_ends_nothing_is_done_twice_and_everybody_is_told(tmp_path: Path) -> None:
    async with open_fleet(tmp_path) as fleet:
        await install_all(fleet)
        for api in fleet.slack.web_api.workspaces:
            api.latency = 0.05
        crowd, is_over = Crowd(fleet, random.Random(20261124)), asyncio.Event()
        typing = asyncio.ensure_future(crowd.type_until(is_over))
        await each_is_killed_and_started_again(fleet)
        crowd.killed()
        await until_typed(crowd, 20)
        async with restarted(fleet.database_url):
            await until_typed(crowd, 30)
        await until_typed(crowd, 60)
        assert await fleet.stop_all() == [0] * PROCESSES
        is_over.set()
        await typing
        await crowd.settle()

        # What a killed process left is recorded as interrupted once it's old enough.
        clock = ManualClock()
        clock.advance(INTERRUPTED_SECONDS + 60)
        async with open_audit_log(configured(fleet.database_url, EXTAUTH_SECRET_KEY=KEY), clock) as audit:
            await audit.interrupt(INTERRUPTED_SECONDS)
        outcomes = await nothing_was_done_twice(fleet)
        assert "Traceback" not in "".join(fleet.printed)
        print(f"\n{crowd}; {outcomes}")
