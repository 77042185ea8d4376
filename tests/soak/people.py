"""What people do all day: every command, over both transports, typed again when it isn't acknowledged."""

import asyncio
import contextlib
import random
from collections import Counter

from bot.sandbox.slack.delivery import NotAcknowledged
from bot.sandbox.slack.server import SimulatedSlack
from bot.settings import Transport
from tests.acknowledged import Acknowledged
from tests.harness import ADMIN, GUEST, MEMBER, OWNER
from tests.scenarios.test_once import payload

USERS = (ADMIN, OWNER, MEMBER, GUEST)
TOKENS = ("EtGoogle0001", "EtGoogle0002", "EtGitHub0001", "EtSalesforce1", "EtLong000001", "EtShort00001")
DELETE = "apps.auth.external.delete"
_ATTEMPTS = 4
_KEPT_MESSAGES = 200


class People:
    """Types commands at a steady rate, and keeps what each of them is owed."""

    def __init__(self, slack: SimulatedSlack, chance: random.Random) -> None:
        self.acknowledged = Acknowledged(slack)
        self.deletions: Counter[str] = Counter()
        """Return the number of requests to delete each token, without those that Slack put off."""
        self._asked: dict[int, str] = {}
        self.typed = 0
        self._slack = slack
        self._chance = chance
        self._sending: set[asyncio.Task[None]] = set()

    def type_one(self) -> None:
        """Type a command over one of the transports, without waiting for what comes of it."""
        self.typed += 1
        text = self._text()
        sent = payload(self._slack, text, self._chance.choice(USERS))
        transport: Transport = self._chance.choice(("socket", "http"))
        task = asyncio.ensure_future(self._deliver(transport, f"{self.typed}: {text}", sent))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def type_for(self, seconds: float, rate: float) -> None:
        """Type so many commands a second for so long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            self.type_one()
            self.collect()
            await asyncio.sleep(self._chance.uniform(0, 2 / rate))

    async def settle(self, seconds: float) -> None:
        """Wait until everything typed is acknowledged or given up, and everybody is told who will be."""
        await asyncio.gather(*self._sending)
        try:
            await self._slack.state.until(lambda: not self.acknowledged.untold(), seconds)
        except TimeoutError:
            raise AssertionError(f"nobody answered {self.acknowledged.untold()}") from None
        self.collect()

    def collect(self) -> None:
        """Count what was deleted, and let the simulated Slack forget what would only fill its memory."""
        state = self._slack.state
        while state.traffic:
            exchange = state.traffic.popleft()
            if exchange.kind == DELETE and "external_token_id" in exchange.body:
                self._asked[exchange.number] = exchange.body["external_token_id"]
                self.deletions[self._asked[exchange.number]] += 1
            elif exchange.answers in self._asked and "ratelimited" in str(exchange.body):
                self.deletions[self._asked[exchange.answers]] -= 1
        del state.messages[:-_KEPT_MESSAGES]

    def _text(self) -> str:
        token_id = self._chance.choice(TOKENS)
        return self._chance.choice(
            [
                *(f"get {token_id}", f"get {token_id}", f"get {token_id} --force-refresh", f"get {token_id} --show"),
                *("get", "", "help", "history 25", "get EtNobodys0001", "frobnicate", "delete"),
                *(f"delete EtSoak{self.typed} --yes", f"delete EtSoak{self.typed} --yes"),
                f"get {self._slack.state.tokens[token_id].value}",
            ]
        )

    async def _deliver(self, transport: Transport, name: str, sent: dict[str, str]) -> None:
        for attempt in range(_ATTEMPTS):
            delivery = self._slack.socket_mode if transport == "socket" else self._slack.workspace.delivery
            with contextlib.suppress(NotAcknowledged):
                if delivery is not None:
                    await delivery.deliver("slash_commands", sent)
                    self.acknowledged.add(name, sent)
                    return
            # Slack delivers it again: the bot may have taken it, or not.
            await asyncio.sleep(0.5 * (attempt + 1))
