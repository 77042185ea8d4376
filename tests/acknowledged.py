"""What acknowledged commands are owed: an answer, or at least a word on how they ended; and a whole audit log."""

from collections import Counter
from typing import Any

from bot.audit.entries import Entry, Filters
from bot.clock import SystemClock
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.workspace import Workspace
from tests.audit_log import configured, open_audit_log


class Acknowledged:
    """The commands that were acknowledged, each under a name, and whether their people have been told anything.

    They are of the first workspace, unless another is given.
    """

    def __init__(self, slack: SimulatedSlack, workspace: Workspace | None = None) -> None:
        self._base_url = slack.base_url
        self._state = (workspace or slack.workspace).state
        self._untold: dict[str, dict[str, Any]] = {}
        self._names: set[str] = set()

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, payload: dict[str, Any]) -> None:
        self._names.add(name)
        self._untold[name] = payload

    def untold(self) -> list[str]:
        """Those that nothing has been said of, neither in a message nor in a dialog."""
        self._untold = {name: payload for name, payload in self._untold.items() if not self._is_told(payload)}
        return list(self._untold)

    def _is_told(self, payload: dict[str, Any]) -> bool:
        address = self._state.response_urls[payload["response_url"].removeprefix(self._base_url)]
        return address.uses > 0 or self._state.triggers[payload["trigger_id"]].is_used

    async def until_told(self) -> None:
        """Wait until everybody is told. Raises TimeoutError."""
        await self._state.until(lambda: self.untold() == [], seconds=60)


async def verified_entries(url: str, **more: str) -> list[Entry]:
    """What the audit log at `url` holds, once its chains are found whole and every entry has its outcome."""
    async with open_audit_log(configured(url, **more), SystemClock()) as audit:
        assert (await audit.verify(lambda _: None)).problem is None
        entries = await audit.newest(1_000_000, Filters())
    assert [entry.reference for entry in entries if entry.outcome is None] == []
    return list(entries)


def times_recorded(entries: list[Entry]) -> Counter[str]:
    """How many entries each token ID has."""
    return Counter(str(entry.parameters.get("external_token_id")) for entry in entries)
