"""Observers of outcomes, which update the metrics and post to a Slack channel without delaying a reply."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.actor import UNATTENDED
from bot.audit.entries import AuditResult, Event, deed, doer
from bot.logs import slack_code
from bot.metrics import COMMANDS, OTHER, Metrics
from bot.operation import Operation
from bot.outcomes import WORDS
from bot.slack.calls import passes
from bot.slack.client import ClientFactory
from bot.slack.mrkdwn import code
from bot.tasks import retry

log = logging.getLogger(__name__)

MAX_DENIALS = 20
"""Maximum number of denials queued as lines. More are only counted, so that they can't flood the channel."""
MAX_TEXT = 3500
"""The maximum length of a message, in characters. https://docs.slack.dev/reference/methods/chat.postMessage"""
_SECONDS_BETWEEN_POSTS = 1.0
_NOT_RECORDED = ("read", "not read")
_RETRY_SECONDS = (2, 10, 60, 300, 900)
OPERATIONS = frozenset(operation.action for operation in Operation)
OUTCOMES = frozenset(
    {
        *WORDS,
        *("read", "requested", "approved", "declined", "expired", "saved"),
        *("denied", "withheld", "interrupted", "not done", "not recorded", "not read"),
    }
)
"""The names of all outcomes, which `Entry` and the service explain."""
ALERTED = ("withheld", "not recorded")
"""Outcomes of which a single occurrence raises an alert."""

BotToken = SecretStr | Callable[[], Awaitable[SecretStr | None]]
"""Extauth's bot token, or a function that returns the current token, or None once Extauth is uninstalled."""


class OutcomeCounter:
    """A counter of outcomes by operation, which ignores the person and the parameters."""

    def __init__(self, metrics: Metrics) -> None:
        self._commands = metrics[COMMANDS]
        for operation in OPERATIONS:
            for outcome in ALERTED:
                # Exported as 0 from the start, because an alert sees no increase in a series that begins at 1.
                self._commands.labels(operation, outcome)

    def __call__(self, event: Event, result: AuditResult) -> None:
        self._commands.labels(
            event.action if event.action in OPERATIONS else OTHER,
            result.outcome if result.outcome in OUTCOMES else OTHER,
        ).inc()


class AuditChannel:
    """A queue of lines for a Slack channel, which a background task posts with Extauth's bot token.

    `workspace` is the ID of the channel's workspace if Extauth serves many.
    """

    def __init__(self, channel: str, bot_token: BotToken, clients: ClientFactory, workspace: str | None = None) -> None:
        self.channel = channel
        self.workspace = workspace
        self._bot_token = bot_token
        self._clients = clients
        self._lines: list[str] = []
        self._denials: list[str] = []
        self._more_denials: Counter[str] = Counter()
        self._posting: asyncio.Task[None] | None = None

    def __call__(self, event: Event, result: AuditResult) -> None:
        """Queue an outcome's line, except for two kinds.

        Reads of the audit log aren't posted, because the log doesn't record them either. Outcomes of unattended tests
        aren't posted, because each survey posts its changes in one message.
        """
        is_quiet = event.user_id in UNATTENDED and result.outcome != "denied"
        if is_quiet or result.outcome in _NOT_RECORDED:
            return
        what = deed(event.action, event.parameters, result.outcome)
        why = f" ({code(result.code, 100)})" if result.code else ""
        line = f"{doer(event.user_id)} · {what} · {result.outcome}{why} · {event.reference}"
        self.say(line, denied=event.user_id if result.outcome == "denied" else None)

    def say(self, line: str, denied: str | None = None) -> None:
        """Queue a line. For a denial, `denied` is the person's ID."""
        if denied is None:
            self._lines.append(line)
        elif len(self._denials) < MAX_DENIALS:
            self._denials.append(line)
        else:
            self._more_denials[denied] += 1
        if self._posting is None or self._posting.done():
            self._posting = asyncio.ensure_future(self._post_all())

    @property
    def is_posting(self) -> bool:
        """True while lines are still to be posted."""
        return self._posting is not None and not self._posting.done()

    async def close(self, seconds: float) -> None:
        """Wait at most this many seconds until the queued lines are posted, and log the number left."""
        if self._posting is None:
            return
        await asyncio.wait({self._posting}, timeout=seconds)
        if not self._posting.done():
            self._posting.cancel()
            left = len(self._lines) + len(self._denials) + self._more_denials.total()
            log.error(
                "lines weren't posted to EXTAUTH_AUDIT_CHANNEL before the end",
                extra={"lines": left, "channel": self.channel},
            )

    async def _post_all(self) -> None:
        """Post the queued lines, as many as fit into each message, and retry after temporary errors."""

        def failed(error: Exception) -> None:
            why = slack_code(error) if isinstance(error, SlackApiError) else type(error).__name__
            extra = {"code": why, "channel": self.channel}
            log.warning("a message wasn't posted to EXTAUTH_AUDIT_CHANNEL", extra=extra)

        async def post() -> bool:
            token = self._bot_token if isinstance(self._bot_token, SecretStr) else await self._bot_token()
            if token is not None:
                await self._clients.web(token).chat_postMessage(channel=self.channel, text=text, unfurl_links=False)
            return token is not None

        while self._lines or self._denials or self._more_denials:
            taken: list[str] = []
            for waiting in (self._lines, self._denials):  # other outcomes come first, so that denials can't delay them
                while waiting and (not taken or len("\n".join([*taken, waiting[0]])) <= MAX_TEXT):
                    taken.append(waiting.pop(0))
            if self._more_denials and not self._denials:
                count, people = self._more_denials.total(), len(self._more_denials)
                taken.append(f"{count} more denied, by {people} {'person' if people == 1 else 'people'}")
                self._more_denials.clear()
            text = "\n".join(taken)
            try:
                is_posted = await retry(post, self._clients.clock.sleep, _RETRY_SECONDS, passes, failed)
            except Exception as error:
                failed(error)
                is_posted = False
            if not is_posted:
                extra = {"lines": len(taken), "channel": self.channel}
                log.error("lines couldn't be posted to EXTAUTH_AUDIT_CHANNEL", extra=extra)
            if self._lines or self._denials:
                await self._clients.clock.sleep(_SECONDS_BETWEEN_POSTS)
