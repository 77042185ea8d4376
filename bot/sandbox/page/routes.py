"""The sandbox's page: its files, and a WebSocket for each open tab, which is one person at a time."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from bot.sandbox.page.catalogue import catalogue, completions
from bot.sandbox.slack import views
from bot.sandbox.slack.state import Exchange, OpenView, State
from bot.sandbox.slack.workspace import NotThere, Workspace

FILES = Path(__file__).parent / "static"
DIRECT = "D0EXTAUTH"
_LONGEST_BODY = 4000
_TOGETHER_SECONDS = 0.03
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Page:
    """Shows a workspace to browsers on this machine, and lets them act in it."""

    def __init__(self, workspace: Callable[[], Workspace]) -> None:
        self._workspace = workspace

    def add_to(self, server: web.Application) -> None:
        """Serve the page at `/`."""
        server.router.add_get("/", self._index)
        server.router.add_get("/page/socket", self._socket)
        server.router.add_get("/page/{name:[a-z_]+[.](?:js|css|svg)}", self._file)

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return self._serve(request, "index.html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return self._serve(request, request.match_info["name"])

    def _serve(self, request: web.Request, name: str) -> web.StreamResponse:
        _only_from_here(request)
        if not (FILES / name).is_file():
            raise web.HTTPNotFound
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return web.FileResponse(FILES / name, headers=headers)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        _only_from_here(request)
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        tab = Tab(self._workspace(), socket)
        telling = asyncio.ensure_future(tab.tell_changes())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await tab.act(json.loads(message.data))
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await telling
        return socket


class Tab:
    """One browser tab: who it is, what it has been told."""

    def __init__(self, workspace: Workspace, socket: web.WebSocketResponse) -> None:
        self._workspace = workspace
        self._state = workspace.state
        self._socket = socket
        self._user = next(iter(workspace.state.people))
        self._told = 0
        self._acting: set[asyncio.Task[None]] = set()

    async def act(self, wish: dict[str, Any]) -> None:
        """Do what the person at the browser does. It goes on beside the next act, as in Slack."""
        if wish.get("do") == "become" and wish.get("user") in self._state.people:
            self._user = wish["user"]
            self._state.changed()
            return
        task = asyncio.ensure_future(self._carry_out(wish))
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)

    async def _carry_out(self, wish: dict[str, Any]) -> None:
        try:
            await self._deed(wish)
        except (NotThere, KeyError) as error:
            await self._socket.send_json({"problem": f"Not there any more: {error.args[0]}"})

    def _deed(self, wish: dict[str, Any]) -> Coroutine[Any, Any, Any]:
        workspace, user = self._workspace, self._user
        deeds: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "command": lambda: workspace.command(user, str(wish["line"]), str(wish["channel"])),
            "shortcut": lambda: workspace.shortcut(user, "external_tokens"),
            "home": lambda: workspace.open_home(user),
            "press": lambda: workspace.press(self._message(wish["ts"]), str(wish["label"])),
            "press_in_view": lambda: workspace.press_in_dialog(self._view(wish), str(wish["label"])),
            "choose": lambda: self._choose(wish),
            "submit": lambda: workspace.submit(self._view(wish), wish["filled"]),
            "close": lambda: self._close(wish),
        }
        if wish.get("do") not in deeds:
            raise NotThere(f"the deed {wish.get('do')}")
        return deeds[wish["do"]]()

    async def _choose(self, wish: dict[str, Any]) -> None:
        view = self._view(wish)
        self._workspace.fill(view, wish["filled"])
        await self._workspace.choose(view, str(wish["block"]), str(wish["value"]))

    async def _close(self, wish: dict[str, Any]) -> None:
        # Pressed twice, it is closed all the same.
        with contextlib.suppress(NotThere):
            self._workspace.close(self._view(wish))

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
        raise NotThere("this dialog")

    async def tell_changes(self) -> None:
        """Tell the browser how things stand, now and after each change."""
        await self._socket.send_json({"completions": completions(), "direct": DIRECT})
        while True:
            change = self._state.next_change()
            await self._socket.send_json(self._standing())
            await change.wait()
            await asyncio.sleep(_TOGETHER_SECONDS)

    def _standing(self) -> dict[str, Any]:
        new = [exchange for exchange in list(self._state.traffic)[-200:] if exchange.number > self._told]
        self._told = new[-1].number if new else self._told
        home = self._state.homes.get(self._user)
        return {
            "me": self._user,
            "people": [{"id": person.user_id, "name": person.name} for person in self._state.people.values()],
            "messages": [
                {"ts": message.ts, "channel": message.channel, "text": message.text, "blocks": message.blocks}
                for message in self._workspace.messages(self._user)
            ],
            "home": _view_json(home) if home else None,
            "dialogs": [_view_json(view) for view in self._state.views.get(self._user, [])],
            "catalogue": catalogue(self._state),
            "traffic": [_traffic_json(self._state, exchange) for exchange in new],
        }


def _only_from_here(request: web.Request) -> None:
    """Turn away what another site makes a browser ask, by its own name or under this one's."""
    host = urlsplit(f"//{request.host}").hostname
    origin = request.headers.get("Origin")
    if host not in {"127.0.0.1", "localhost", "::1"} or (origin and urlsplit(origin).netloc != request.host):
        raise web.HTTPForbidden(text="This page is for this machine only.")


def _view_json(view: OpenView) -> dict[str, Any]:
    return {
        "id": view.view_id,
        "hash": view.hash,
        "content": view.content,
        "values": views.values(view),
        "errors": view.errors,
        "banner": view.banner,
    }


def _traffic_json(state: State, exchange: Exchange) -> dict[str, Any]:
    body = exchange.body if isinstance(exchange.body, str) else json.dumps(exchange.body, ensure_ascii=False)
    for secret in state.secrets:
        # As it is, and as JSON inside of JSON writes it.
        for written in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
            body = body.replace(written, "••••••••")
    return {
        "number": exchange.number,
        "from": exchange.direction,
        "kind": exchange.kind,
        "milliseconds": exchange.milliseconds,
        "body": body[:_LONGEST_BODY],
    }
