"""What the simulated workspace holds: people, tokens, messages, open dialogs. All of it in memory."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.clock import Clock

TEAM_ID = "T0SANDBOX"
APP_ID = "A0SANDBOX"
CHANNEL = "C0GENERAL"
TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5


@dataclass
class Person:
    """Somebody of the workspace. https://docs.slack.dev/reference/objects/user-object"""

    user_id: str
    name: str
    is_admin: bool = False
    is_owner: bool = False
    is_primary_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False
    enterprise_user: dict[str, Any] | None = None
    team_id: str | None = TEAM_ID

    def user_object(self) -> dict[str, Any]:
        """What users.info answers."""
        flags = [
            "is_admin",
            "is_owner",
            "is_primary_owner",
            "is_restricted",
            "is_ultra_restricted",
            "is_stranger",
            "is_bot",
            "deleted",
        ]
        user: dict[str, Any] = {"id": self.user_id, "name": self.name, "real_name": self.name}
        user |= {"team_id": self.team_id} if self.team_id is not None else {}
        user |= {flag: getattr(self, flag) for flag in flags}
        return user | ({"enterprise_user": self.enterprise_user} if self.enterprise_user else {})


@dataclass
class StoredToken:
    """An external token that Slack keeps."""

    token_id: str
    provider_key: str
    value: str
    app_id: str = APP_ID
    extras: dict[str, Any] | None = None
    has_refresh_token: bool = True
    is_expired: bool = False
    refreshes: int = 0


@dataclass
class Message:
    """An ephemeral message: only `user_id` sees it."""

    ts: str
    channel: str
    user_id: str
    text: str
    blocks: list[dict[str, Any]]


@dataclass
class OpenView:
    """A dialog as one person has it open, with what is filled in."""

    view_id: str
    user_id: str
    content: dict[str, Any]
    hash: str
    filled: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    banner: str | None = None


@dataclass
class ResponseUrl:
    """An address to answer at."""

    user_id: str
    channel: str
    at: float
    message_ts: str | None = None
    uses: int = 0


@dataclass
class Trigger:
    """The right to open one dialog."""

    user_id: str
    at: float
    is_used: bool = False


@dataclass(frozen=True)
class Exchange:
    """Something that passed between Slack and the bot, with its time (UTC) and, for an answer, its milliseconds."""

    number: int
    at: float
    direction: str
    kind: str
    body: Any
    milliseconds: float | None = None


class State:
    """The workspace. Every change goes through `changed`, so that who waits for one wakes up."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.bot_token = f"xoxb-sandbox-{secrets.token_hex(12)}"
        self.team_name = "Sandbox"
        self.bot_id: str | None = "B0EXTAUTH"
        self.app_token = f"xapp-1-{APP_ID}-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.api_tokens: set[str] | None = None
        self.enterprise_id: str | None = None
        self.is_org_install = False
        self.people: dict[str, Person] = {}
        self.groups: dict[str, list[str]] = {}
        self.tokens: dict[str, StoredToken] = {}
        self.messages: list[Message] = []
        self.scheduled: dict[str, dict[str, Any]] = {}
        self.views: dict[str, list[OpenView]] = {}
        self.homes: dict[str, OpenView] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.triggers: dict[str, Trigger] = {}
        self.secrets: set[str] = set()
        self.over = asyncio.Event()
        self.traffic: deque[Exchange] = deque(maxlen=50_000)
        self._numbers = 0
        self._exchanges = 0
        self._change = asyncio.Event()

    def number(self) -> int:
        """A new number, for ids and time stamps."""
        self._numbers += 1
        return self._numbers

    def changed(self) -> None:
        """Wake up who waits for a change."""
        self._change.set()
        self._change = asyncio.Event()

    def next_change(self) -> asyncio.Event:
        """What the next change from now on will set."""
        return self._change

    async def until(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait until the condition holds. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                await self._change.wait()

    def record(self, direction: str, kind: str, body: Any, milliseconds: float | None = None) -> None:
        """Keep what passed."""
        self._exchanges += 1
        self.traffic.append(Exchange(self._exchanges, self.clock.now(), direction, kind, body, milliseconds))
        self.changed()

    def new_trigger(self, user_id: str) -> str:
        """A trigger id, good for three seconds and one dialog."""
        trigger_id = f"{self.number()}.{TEAM_ID}.{secrets.token_hex(8)}"
        self.triggers[trigger_id] = Trigger(user_id, self.clock.now())
        return trigger_id

    def new_response_url(self, kind: str, user_id: str, channel: str, message_ts: str | None = None) -> str:
        """The path of an address to answer at; `kind` is Slack's `commands` or `actions`."""
        path = f"/{kind}/{TEAM_ID}/{self.number()}/{secrets.token_hex(12)}"
        self.response_urls[path] = ResponseUrl(user_id, channel, self.clock.now(), message_ts)
        return path

    def post(self, user_id: str, channel: str, text: str, blocks: list[dict[str, Any]]) -> Message:
        """Add an ephemeral message."""
        message = Message(f"{int(self.clock.now())}.{self.number():06d}", channel, user_id, text, blocks)
        self.messages.append(message)
        self.changed()
        return message

    def view(self, view_id: str) -> OpenView | None:
        """An open dialog by its id."""
        return next((view for stack in self.views.values() for view in stack if view.view_id == view_id), None)
