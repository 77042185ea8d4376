"""The real bot, served over a real transport, in a simulated workspace whose people a test acts as."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bot.sandbox.run import open_sandbox
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.state import Message, OpenView
from bot.settings import Transport
from bot.slack.client import READ_SECONDS
from tests import drawing
from tests.audit_log import KEY
from tests.databases import is_new_file, start_file
from tests.manual_clock import ManualClock

over_both_transports = pytest.mark.parametrize("transport", ["socket", "http"])
"""Marks the contract of the transports: each kind of payload and of answer. Others run over Socket Mode alone."""

HASTY_SECONDS = 0.25
ADMIN, OWNER, MEMBER, GUEST = "U0ADMIN", "U0OWNER", "U0MEMBER", "U0GUEST"


class Harness:
    """The people of a simulated workspace: their acts, and the messages and dialogs they see."""

    def __init__(self, slack: SimulatedSlack, clock: ManualClock, transport: Transport) -> None:
        self.slack = slack
        self.clock = clock
        self.transport = transport
        self.state = slack.state
        self.workspace = slack.workspace

    def demote(self, user: str) -> None:
        """Take somebody's admin standing away, a minute ago."""
        self.state.people[user].is_admin = self.state.people[user].is_owner = False
        self.clock.advance(60)

    async def types(self, line: str, user: str = ADMIN) -> Message:
        """Type a command that is answered by a message."""
        before = len(self.workspace.messages(user))
        assert await self.workspace.command(user, line)
        await self.state.until(lambda: len(self.workspace.messages(user)) > before)
        return self.workspace.messages(user)[-1]

    async def opens(self, line: str, user: str = ADMIN) -> OpenView:
        """Type a command that is answered by a dialog."""
        assert await self.workspace.command(user, line)
        await self.state.until(lambda: self.workspace.dialog(user) is not None)
        return await self.dialog(user)

    async def opens_by_shortcut(self, user: str = ADMIN) -> OpenView:
        """Choose the global shortcut."""
        assert await self.workspace.shortcut(user, "external_tokens")
        await self.state.until(lambda: self.workspace.dialog(user) is not None)
        return await self.dialog(user)

    async def dialog(self, user: str = ADMIN) -> OpenView:
        """The open dialog, once it no longer says that it is being worked on."""

        def is_working() -> bool:
            view = self.workspace.dialog(user)
            return view is not None and view.content["title"]["text"] == "One moment"

        await self.state.until(lambda: not is_working())
        view = self.workspace.dialog(user)
        assert view is not None, "the dialog is closed"
        return view

    async def submits(self, view: OpenView, **filled: Any) -> OpenView:
        """Submit a dialog that stays open."""
        await self.workspace.submit(view, filled)
        return await self.dialog(view.user_id)

    async def sends(self, view: OpenView, **filled: Any) -> Message:
        """Submit a dialog that closes, with its answer in the channel."""
        seen = {message.ts for message in self.workspace.messages(view.user_id)}
        assert await self.workspace.submit(view, filled)
        assert self.workspace.dialog(view.user_id) is None, self.read(view)
        return await self.next_message(view.user_id, seen)

    async def presses(self, message: Message, label: str) -> Message:
        """Press a button that is answered by a message."""
        seen = {old.ts for old in self.workspace.messages(message.user_id)}
        assert await self.workspace.press(message, label)
        return await self.next_message(message.user_id, seen)

    async def presses_for_dialog(self, message: Message, label: str) -> OpenView:
        """Press a button that is answered by a dialog."""
        assert await self.workspace.press(message, label)
        await self.state.until(lambda: self.workspace.dialog(message.user_id) is not None)
        return await self.dialog(message.user_id)

    async def picks(self, message: Message, row: str, label: str) -> Message:
        """Choose from the menu beside a line, which is answered by a message."""
        seen = {old.ts for old in self.workspace.messages(message.user_id)}
        assert await self.workspace.pick(message, row, label)
        return await self.next_message(message.user_id, seen)

    async def picks_for_dialog(self, message: Message, row: str, label: str) -> OpenView:
        """Choose from the menu beside a line, which is answered by a dialog."""
        assert await self.workspace.pick(message, row, label)
        await self.state.until(lambda: self.workspace.dialog(message.user_id) is not None)
        return await self.dialog(message.user_id)

    async def presses_in_dialog(self, view: OpenView, label: str) -> OpenView:
        """Press a button in a dialog, and wait until the dialog has changed."""
        before = view.hash
        assert await self.workspace.press_in_dialog(view, label)
        await self.state.until(lambda: view.hash != before)
        return await self.dialog(view.user_id)

    async def next_message(self, user: str, seen: set[str]) -> Message:
        def new() -> list[Message]:
            return [message for message in self.workspace.messages(user) if message.ts not in seen]

        await self.state.until(lambda: bool(new()))
        return new()[-1]

    async def passes_time(self, is_over: Callable[[], bool]) -> None:
        """Turn the clock to whatever waits next, until something has happened."""
        async with asyncio.timeout(60):
            while not is_over():
                self.clock.advance_to_next(120)
                await asyncio.sleep(0.002)

    def read(self, what: Message | OpenView) -> str:
        """The text that a person reads."""
        lines = drawing.message_lines(what) if isinstance(what, Message) else drawing.dialog_lines(what)
        return "\n".join(lines)

    def calls(self, method: str) -> list[Any]:
        """Return the bodies that the bot sent to a method, or to `response_url`."""
        return [exchange.body for exchange in self.state.traffic if exchange.kind == method]


@asynccontextmanager
async def open_harness(transport: Transport, **more: str) -> AsyncIterator[Harness]:
    """Serve the bot until the block ends, with these settings beside the necessary ones."""
    async with open_timed_harness(transport, READ_SECONDS, more) as opened:
        yield opened


@asynccontextmanager
async def open_hasty_harness(transport: Transport, **more: str) -> AsyncIterator[Harness]:
    """The same with a bot that waits for Slack only a quarter of a second, where Slack is to be too slow for it."""
    async with open_timed_harness(transport, HASTY_SECONDS, more) as opened:
        yield opened


@asynccontextmanager
async def open_timed_harness(
    transport: Transport, read_seconds: float, more: Mapping[str, str]
) -> AsyncIterator[Harness]:
    """The same, with how long Slack may take for the next byte of an answer."""
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="extauth-"))
        configured = {"DATABASE_URL": f"sqlite:///{folder}/audit.db", **more}
        if is_new_file(configured["DATABASE_URL"]):
            await start_file(configured["DATABASE_URL"], more.get("EXTAUTH_SECRET_KEY", KEY))
        slack = await stack.enter_async_context(open_sandbox(transport, clock, configured, read_seconds=read_seconds))
        if transport == "socket":
            # The first is enough to begin; what a test does to Slack must not meet another one on its way.
            connections = int(more.get("EXTAUTH_SOCKET_CONNECTIONS", "2"))
            await slack.state.until(lambda: slack.socket_mode.open_connections == connections)
        yield Harness(slack, clock, transport)
