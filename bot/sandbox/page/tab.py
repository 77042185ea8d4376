"""The actions of the person in a browser tab, and the updates that the tab gets."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from bot.environment import COMMAND
from bot.sandbox.page.catalogue import buttons, catalogue, completions
from bot.sandbox.page.traffic import Traffic
from bot.sandbox.slack import views
from bot.sandbox.slack.channels import DIRECT
from bot.sandbox.slack.elements import NotThere
from bot.sandbox.slack.escaping import entities
from bot.sandbox.slack.state import OpenView
from bot.sandbox.slack.workspace import SimulatedWorkspace

_TOGETHER_SECONDS = 0.03


class Tab:
    """A browser tab, with the person who uses it and the traffic that the tab has already received."""

    def __init__(self, workspace: SimulatedWorkspace, socket: web.WebSocketResponse) -> None:
        self._workspace = workspace
        self._state = workspace.state
        self._socket = socket
        self._user = next(iter(workspace.state.people))
        self._traffic = Traffic(workspace.state)
        self._acting: set[asyncio.Task[None]] = set()

    async def act(self, wish: dict[str, Any]) -> None:
        """Start an action of the person. Other actions can start before it ends, as in Slack."""
        if wish.get("do") == "become" and wish.get("user") in self._state.people:
            self._user = wish["user"]
            self._state.changed()
            return
        if wish.get("do") == "reset":
            self._state.reset()
            return
        task = asyncio.ensure_future(self._carry_out(wish))
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)

    async def _carry_out(self, wish: dict[str, Any]) -> None:
        answer = None
        try:
            answer = await self._deed(wish)
        except (NotThere, KeyError) as error:
            await self._socket.send_json({"problem": f"This isn't here anymore: {error.args[0]}"})
        with contextlib.suppress(ConnectionError):
            await self._socket.send_json({"done": wish.get("number"), "answer": answer})

    def _deed(self, wish: dict[str, Any]) -> Coroutine[Any, Any, Any]:
        workspace, user = self._workspace, self._user
        deeds: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "type": lambda: self._type(str(wish["line"]), str(wish["channel"])),
            "shortcut": lambda: workspace.shortcut(user, "external_tokens"),
            "home": lambda: workspace.open_home(user),
            "press": lambda: self._press(wish["ts"], str(wish["label"])),
            "press_in_view": lambda: workspace.press_in_dialog(self._view(wish), str(wish["label"])),
            "pick": lambda: workspace.pick(self._message(wish["ts"]), str(wish["row"]), str(wish["label"])),
            "pick_in_view": lambda: workspace.pick_in_dialog(self._view(wish), str(wish["row"]), str(wish["label"])),
            "choose": lambda: self._choose(wish),
            "suggest": lambda: workspace.suggest(self._view(wish), str(wish["block"]), str(wish["text"])),
            "submit": lambda: self._submit(wish),
            "close": lambda: self._close(wish),
        }
        if wish.get("do") not in deeds:
            raise NotThere(f"the deed {wish.get('do')}")
        return deeds[wish["do"]]()

    async def _type(self, line: str, channel: str) -> None:
        if channel not in self._places():
            raise NotThere(f"the conversation {channel}")
        if not line.startswith("/"):
            self._state.post_to_all(self._user, channel, entities(line), [])
            return
        self._state.echo(self._user, channel, line)
        if line.split(maxsplit=1)[0] == COMMAND:
            await self._workspace.command(self._user, line, channel)
            return
        why = f"`{entities(line.split(maxsplit=1)[0])}` isn't a command here. Type `{COMMAND}` to talk to the bot."
        self._state.post(self._user, channel, why, [], is_error=True)

    async def _choose(self, wish: dict[str, Any]) -> None:
        view = self._view(wish)
        self._workspace.fill(view, wish["filled"])
        await self._workspace.choose(view, str(wish["block"]), str(wish["value"]))

    async def _submit(self, wish: dict[str, Any]) -> None:
        view = self._view(wish)
        self._workspace.fill(view, wish["filled"])
        await self._workspace.submit(view)

    async def _close(self, wish: dict[str, Any]) -> None:
        # A double click may send the request twice, and then the dialog is already closed.
        with contextlib.suppress(NotThere):
            self._workspace.close(self._view(wish))

    async def _press(self, ts: str, label: str) -> None:
        post = next((post for post in self._state.posts if post.ts == ts and post.channel in self._places()), None)
        if post is not None:
            await self._workspace.press_post(post, self._user, label)
        else:
            await self._workspace.press(self._message(ts), label)

    def _message(self, ts: str) -> Any:
        for message in self._workspace.messages(self._user):
            if message.ts == ts:
                return message
        raise NotThere("this message")

    def _view(self, wish: dict[str, Any]) -> OpenView:
        own = [*self._state.views.get(self._user, []), *filter(None, [self._state.homes.get(self._user)])]
        for view in own:
            if view.view_id == wish.get("view"):
                return view
        raise NotThere("this modal")

    async def tell_changes(self) -> None:
        """Send the browser the workspace's state, now and after each change."""
        await self._socket.send_json({"completions": completions(), "buttons": buttons()})
        while True:
            change = self._state.next_change()
            await self._socket.send_json(self._standing())
            await change.wait()
            await asyncio.sleep(_TOGETHER_SECONDS)

    def _standing(self) -> dict[str, Any]:
        if self._user not in self._state.people:
            self._user = next(iter(self._state.people))
        home = self._state.homes.get(self._user)
        return {
            "me": self._user,
            "resets": self._state.resets,
            "people": [
                {"id": person.user_id, "name": person.name, "admin": person.is_admin}
                for person in self._state.people.values()
            ],
            "channels": [
                {"id": channel.channel_id, "name": channel.name, "topic": channel.topic}
                for channel in self._workspace.channels(self._user)
            ],
            "messages": sorted(self._messages(), key=lambda message: _order(message["at"])),
            "home": _view_json(home) if home else None,
            "modals": [_view_json(view) for view in self._state.views.get(self._user, [])],
            "catalogue": catalogue(self._state),
            "traffic": self._traffic.new(),
        }

    def _places(self) -> set[str]:
        return {channel.channel_id for channel in self._workspace.channels(self._user)} | {DIRECT}

    def _messages(self) -> list[dict[str, Any]]:
        """Return the messages that the person sees. The timestamp `at` determines the order of a message."""
        own: list[dict[str, Any]] = [
            {
                "kind": "error" if message.is_error else "private",
                "ts": message.ts,
                "at": message.shown_at or message.ts,
                "channel": message.channel,
                "text": message.text,
                "blocks": message.blocks,
                "edits": message.edits,
            }
            for message in self._workspace.messages(self._user)
        ]
        own += [
            {"kind": "typed", "ts": typed.ts, "at": typed.ts, "channel": typed.channel, "text": typed.line}
            for typed in self._state.typed
            if typed.user_id == self._user
        ]
        places = self._places()
        return own + [
            {
                "kind": "post",
                "ts": post.ts,
                "at": post.ts,
                "channel": post.channel,
                "author": post.author,
                "text": post.text,
                "blocks": post.blocks,
                "edits": post.edits,
            }
            for post in self._state.posts
            if post.channel in places and (post.channel != DIRECT or post.author == self._user)
        ]


def _order(ts: str) -> int:
    """Return the number in a timestamp. The numbers also increase across seconds, so they suffice for the order."""
    return int(ts.partition(".")[2])


def _view_json(view: OpenView) -> dict[str, Any]:
    return {
        "id": view.view_id,
        "hash": view.hash,
        "content": view.content,
        "values": views.values(view),
        "errors": view.errors,
        "banner": view.banner,
    }
