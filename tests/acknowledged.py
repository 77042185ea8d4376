"""What a killed process leaves: a whole audit log, and people who hear that they were cut off."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot import settings
from bot.audit.chain import INTERRUPTED
from bot.audit.entries import Entry, Filters
from bot.background.tasks import INTERRUPTED_SECONDS, LOOK_AGAIN_SECONDS
from bot.clock import SystemClock
from bot.sandbox.run import serving, variables
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.workspace import SimulatedWorkspace
from tests.audit_log import configured, open_audit_log
from tests.manual_clock import ManualClock


class Acknowledged:
    """The commands that were acknowledged, each under a name, and whether their people have been told anything.

    They are of the first workspace, unless another is given.
    """

    def __init__(self, slack: SimulatedSlack, workspace: SimulatedWorkspace | None = None) -> None:
        self._base_url = slack.base_url
        self._state = (workspace or slack.workspace).state
        self._untold: dict[str, dict[str, Any]] = {}
        self._names: set[str] = set()

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, payload: dict[str, Any]) -> None:
        self._names.add(name)
        self._untold[name] = payload

    def killed(self) -> None:
        """Owe nothing at once to those whose process was killed: what was begun is told later."""
        self._untold.clear()

    def untold(self) -> list[str]:
        """Those that nothing has been said of, neither in a message nor in a dialog."""
        self._untold = {name: payload for name, payload in self._untold.items() if not self._is_told(payload)}
        return list(self._untold)

    def _is_told(self, payload: dict[str, Any]) -> bool:
        address = self._state.response_urls[payload["response_url"].removeprefix(self._base_url)]
        return address.uses > 0 or self._state.triggers[payload["trigger_id"]].is_used


@asynccontextmanager
async def later(slack: SimulatedSlack, url: str, **more: str) -> AsyncIterator[ManualClock]:
    """The bot in this process, started when what was cut off is old enough to be called interrupted."""
    clock = ManualClock()
    clock.advance(INTERRUPTED_SECONDS + 60)
    async with serving(settings.read({**variables(slack), "DATABASE_URL": url, **more}), "socket", clock):
        await clock.until_asleep(LOOK_AGAIN_SECONDS)
        yield clock


async def verified_entries(url: str, **more: str) -> list[Entry]:
    """Return people's entries in the audit log at `url`, once its chains are found whole."""
    async with open_audit_log(configured(url, **more), SystemClock()) as audit:
        assert (await audit.verify(lambda _: None)).problem is None
        entries = await audit.newest(1_000_000, Filters())
    return [entry for entry in entries if entry.user_id is not None]


async def interrupted_and_told(slack: SimulatedSlack, url: str) -> list[Entry]:
    """The entries without a result, once each is recorded as interrupted and its person told directly."""
    cut_off = [entry for entry in await verified_entries(url) if entry.outcome is None]
    async with later(slack, url):
        for entry in cut_off:
            await slack.state.until(lambda: entry.reference in _said_to(slack, str(entry.user_id)))  # noqa: B023
    entries = await verified_entries(url)
    assert [entry.reference for entry in entries if entry.outcome is None] == []
    ended = {entry.reference: entry.outcome for entry in entries}
    assert {ended[entry.reference] for entry in cut_off} <= {INTERRUPTED}
    return cut_off


def _said_to(slack: SimulatedSlack, user: str) -> str:
    return json.dumps([message.blocks for message in slack.state.messages if message.user_id == user])


def times_recorded(entries: list[Entry]) -> Counter[str]:
    """Return the number of entries of each token ID."""
    return Counter(str(entry.parameters.get("external_token_id")) for entry in entries)
