"""The state of the simulated workspace, such as people, tokens, messages, and open dialogs, all in memory."""

import asyncio
import re
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from bot.clock import Clock
from bot.sandbox.slack.channels import BOT, CHANNELS, Channel, Post, TypedCommand
from bot.sandbox.slack.providers import SimulatedProvider, Workflow

TEAM_ID = "T0SANDBOX"
APP_ID = "A0SANDBOX"
TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5
_OTHERS = ("xoxb-sandbox", "xapp-1-")

answering: ContextVar[int | None] = ContextVar("answering", default=None)
"""The number of the exchange for which the current task expects a response."""


@dataclass
class Person:
    """A person in the workspace. https://docs.slack.dev/reference/objects/user-object"""

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

    @property
    def handle(self) -> str:
        """The name that follows @ in a mention of the person, such as “ada” for “Ada (admin)”."""
        return re.sub(r"\W+", ".", self.name.partition("(")[0].strip().lower())

    def user_object(self) -> dict[str, Any]:
        """Return the person as an object of users.info."""
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
    """An external token in Slack. `account` is the user's name at the provider, and `updated_at` is in seconds."""

    token_id: str
    provider_key: str
    value: str
    app_id: str = APP_ID
    extras: dict[str, Any] | None = None
    has_refresh_token: bool = True
    is_expired: bool = False
    refreshes: int = 0
    account: str = ""
    updated_at: float = 0.0


@dataclass
class Message:
    """An ephemeral message, which only `user_id` sees."""

    ts: str
    channel: str
    user_id: str
    text: str
    blocks: list[dict[str, Any]]
    shown_at: str = ""
    """The timestamp of the message that this message replaced, which keeps its place."""
    is_error: bool = False
    """True for an error notice from Slack itself."""
    edits: int = 0
    """The number of changes to the message."""


@dataclass
class OpenView:
    """A dialog that one person has open, with the values that the person has filled in."""

    view_id: str
    user_id: str
    content: dict[str, Any]
    hash: str
    filled: dict[str, dict[str, Any]] = field(default_factory=dict)
    offered: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """The options that Extauth has offered for a field while the person typed, by block ID and value."""
    errors: dict[str, str] = field(default_factory=dict)
    banner: str | None = None


@dataclass
class ResponseUrl:
    """An address to which Extauth can post replies."""

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
class Grant:
    """A bot token of a workspace, or of the whole organization."""

    expires_at: float | None
    is_of_organization: bool = False


@dataclass(frozen=True)
class Exchange:
    """A request or a response between Slack and Extauth, with its time (UTC). A response has its duration in ms.

    `answers` is the number of a response's request, and `path` is the path of the response URL that was used.
    """

    number: int
    at: float
    direction: str
    kind: str
    body: Any
    milliseconds: float | None = None
    answers: int | None = None
    path: str = ""


class State:
    """The workspace's state. Every change calls `changed`, which wakes up the tasks that wait for a change.

    In addition to `bot_token`, `grants` are the tokens from OAuth, with the expiry (seconds since the epoch, UTC), and
    True for an organization's token. `refusals` are the error codes of tokens that are no longer valid.
    """

    def __init__(self, clock: Clock, team_id: str = TEAM_ID, team_name: str = "Sandbox") -> None:
        self.clock = clock
        self.team_id = team_id
        self.bot_token = f"xoxb-sandbox-{secrets.token_hex(12)}"
        self.grants: dict[str, Grant] = {}
        self.refusals: dict[str, str] = {}
        self.team_name = team_name
        self.bot_id: str | None = "B0EXTAUTH"
        self.app_id: str | None = APP_ID
        self.consents: dict[str, str] = {}
        self.app_token = f"xapp-1-{APP_ID}-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.api_tokens: set[str] | None = None
        self.enterprise_id: str | None = None
        self.is_org_install = False
        self.should_escape = True
        """The setting `should_escape` of the command in the app's manifest."""
        self.people: dict[str, Person] = {}
        self.groups: dict[str, list[str]] = {}
        self.tokens: dict[str, StoredToken] = {}
        self.providers: dict[str, SimulatedProvider] = {}
        self.workflows: list[Workflow] = []
        self.channels: dict[str, Channel] = {channel.channel_id: channel for channel in CHANNELS}
        self.messages: list[Message] = []
        self.posts: deque[Post] = deque(maxlen=1_000)
        self.typed: deque[TypedCommand] = deque(maxlen=1_000)
        self.scheduled: dict[str, dict[str, Any]] = {}
        self.views: dict[str, list[OpenView]] = {}
        self.homes: dict[str, OpenView] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.triggers: dict[str, Trigger] = {}
        self.secrets: set[str] = set()
        self.over = asyncio.Event()
        self.traffic: deque[Exchange] = deque(maxlen=50_000)
        self.resets = 0
        self.remember_start()
        self._numbers = 0
        self._exchanges = 0
        self._change = asyncio.Event()

    def refusal(self, token: str) -> str | None:
        """Return the error code for a bot token that isn't valid in this workspace, or None for a valid token."""
        grant = self.grants.get(token)
        if token == self.bot_token or (grant and (grant.expires_at is None or self.clock.now() < grant.expires_at)):
            return None
        if grant is not None:
            return "token_expired"
        return self.refusals.get(token) or ("not_allowed_token_type" if token.startswith(_OTHERS) else "invalid_auth")

    def knows(self, token: str) -> bool:
        """Return whether a bot token is or was valid in this workspace."""
        return token == self.bot_token or token in self.grants or token in self.refusals

    def has(self, arguments: Mapping[str, Any]) -> bool:
        """Return whether this workspace has an object that a call's arguments name."""
        trigger, view, user = (str(arguments.get(name)) for name in ("trigger_id", "view_id", "user_id"))
        token_id, user = arguments.get("external_token_id"), str(arguments.get("user") or user)
        return trigger in self.triggers or self.view(view) is not None or token_id in self.tokens or user in self.people

    def number(self) -> int:
        """Return a new number, for IDs and timestamps."""
        self._numbers += 1
        return self._numbers

    def changed(self) -> None:
        """Wake up the tasks that wait for a change."""
        self._change.set()
        self._change = asyncio.Event()

    def next_change(self) -> asyncio.Event:
        """Return the event that the next change will set."""
        return self._change

    async def until(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait until the condition holds. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                await self._change.wait()

    def remember_start(self) -> None:
        """Save the current people, groups, and tokens, which `reset` restores."""
        self._start = deepcopy((self.people, self.groups, self.tokens))

    def reset(self) -> None:
        """Restore the workspace to its start. Extauth keeps its connection and its credentials."""
        self.people, self.groups, self.tokens = deepcopy(self._start)
        for held in (
            *(self.messages, self.posts, self.typed, self.views, self.homes),
            *(self.response_urls, self.triggers, self.secrets, self.traffic),
        ):
            held.clear()
        self.resets += 1
        self.changed()

    def record(
        self,
        direction: str,
        kind: str,
        body: Any,
        milliseconds: float | None = None,
        *,
        answers: int | None = None,
        path: str = "",
    ) -> int:
        """Record an exchange, and return its number."""
        self._exchanges += 1
        answers = answering.get() if answers is None else answers
        exchange = Exchange(self._exchanges, self.clock.now(), direction, kind, body, milliseconds, answers, path)
        self.traffic.append(exchange)
        self.changed()
        return exchange.number

    def new_trigger(self, user_id: str) -> str:
        """Return a trigger ID, which is valid for three seconds and one dialog."""
        trigger_id = f"{self.number()}.{self.team_id}.{secrets.token_hex(8)}"
        self.triggers[trigger_id] = Trigger(user_id, self.clock.now())
        return trigger_id

    def new_response_url(self, kind: str, user_id: str, channel: str, message_ts: str | None = None) -> str:
        """Return the path of a new response URL. `kind` is `commands` or `actions`, as in Slack."""
        path = f"/{kind}/{self.team_id}/{self.number()}/{secrets.token_hex(12)}"
        self.response_urls[path] = ResponseUrl(user_id, channel, self.clock.now(), message_ts)
        return path

    def post(
        self, user_id: str, channel: str, text: str, blocks: list[dict[str, Any]], *, is_error: bool = False
    ) -> Message:
        """Add an ephemeral message."""
        message = Message(self._timestamp(), channel, user_id, text, blocks, is_error=is_error)
        self.messages.append(message)
        self.changed()
        return message

    def post_to_all(self, author: str, channel: str, text: str, blocks: list[dict[str, Any]]) -> Post:
        """Add a message that everyone in the channel sees."""
        post = Post(self._timestamp(), channel, author, text, blocks)
        self.posts.append(post)
        self.changed()
        return post

    def change(self, channel: str, ts: str, text: str, blocks: list[dict[str, Any]]) -> bool:
        """Change one of Extauth's messages. Returns False if there is none."""
        for index, post in enumerate(self.posts):
            if (post.channel, post.ts, post.author) == (channel, ts, BOT):
                self.posts[index] = replace(post, text=text, blocks=blocks, edits=post.edits + 1)
                self.changed()
                return True
        for message in self.messages:
            if (message.channel, message.ts) == (channel, ts):
                message.text, message.blocks, message.edits = text, blocks, message.edits + 1
                self.changed()
                return True
        return False

    def echo(self, user_id: str, channel: str, line: str) -> None:
        """Show a person the command that they typed."""
        self.typed.append(TypedCommand(self._timestamp(), channel, user_id, line))
        self.changed()

    def _timestamp(self) -> str:
        return f"{int(self.clock.now())}.{self.number():06d}"

    def view(self, view_id: str) -> OpenView | None:
        return next((view for stack in self.views.values() for view in stack if view.view_id == view_id), None)
