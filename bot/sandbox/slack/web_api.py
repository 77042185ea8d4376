"""The HTTP side of the simulated Slack, with the Web API methods that Extauth uses, and the response URLs."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox.slack import external_tokens, scopes, views
from bot.sandbox.slack.block_kit import message_complaints
from bot.sandbox.slack.channels import BOT, DIRECT
from bot.sandbox.slack.faults import Answer, error_body, fault_answer, fault_in
from bot.sandbox.slack.files import Files
from bot.sandbox.slack.oauth import OAuth
from bot.sandbox.slack.rate_limits import RateLimits
from bot.sandbox.slack.state import RESPONSE_URL_SECONDS, RESPONSE_URL_USES, ResponseUrl, State
from bot.sandbox.slack.wire import send

_EXTERNAL = "apps.auth.external."
_WITHOUT_TOKEN = {"api.test"}
_OF_TOKENS = {"auth.test", "auth.revoke"}
_FURTHEST_SECONDS = 120 * 24 * 3600


class WebApi:
    """The Web API. `latency` is in seconds, `delays` are added seconds by method, and `failures` are codes by method.

    `failures["response_url"]` is a broken response of response URLs, and `response_failures` are the statuses for the
    next posts to response URLs. `channel_failures` are the error codes for posts to a channel, such as
    `not_in_channel`. Methods whose scopes aren't in `scopes` are refused. `workspaces` are all workspaces of the app.
    """

    def __init__(self, state: State, open_connection: Callable[[], str], oauth: OAuth | None = None) -> None:
        self._state = state
        self._oauth = oauth
        self.workspaces: list[WebApi] = [self]
        self._open_connection = open_connection
        self.rate_limits = RateLimits(state.clock)
        self.latency = 0.0
        self.delays: dict[str, float] = {}
        self.failures: dict[str, str] = {}
        self.response_failures: list[int] = []
        self.channel_failures: dict[str, str] = {}
        self.scopes = {*scopes.GRANTED}
        self.peers: set[str] = set()
        self.files = Files(state)
        self._methods: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "api.test": lambda _: {"ok": True},
            "users.info": self._users_info,
            "usergroups.users.list": self._group,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.postMessage": self._post_message,
            "chat.scheduleMessage": self._schedule_message,
            "chat.deleteScheduledMessage": self._delete_scheduled_message,
            "conversations.open": self.files.open_conversation,
            "files.getUploadURLExternal": self.files.begin,
            "files.completeUploadExternal": self.files.complete,
            "views.open": lambda arguments: views.open_view(state, arguments),
            "views.push": lambda arguments: views.open_view(state, arguments, push=True),
            "chat.update": self._update,
            "views.publish": lambda arguments: views.publish_view(state, arguments),
            "views.update": lambda arguments: views.update_view(state, arguments),
            "apps.connections.open": lambda _: {"ok": True, "url": self._open_connection()},
            "apps.auth.external.get": lambda arguments: external_tokens.get(state, arguments),
            "apps.auth.external.delete": lambda arguments: external_tokens.delete(state, arguments),
            "apps.auth.external.list": lambda arguments: external_tokens.list_all(state, arguments),
            "apps.auth.external.start": lambda arguments: external_tokens.start(state, arguments, self.files.base_url),
        }

    def add_to(self, server: web.Application) -> None:
        """Serve `/api/` and the response URLs."""
        for verb in ("GET", "POST"):
            server.router.add_route(verb, "/api/{method}", self._call)
        server.router.add_post("/{kind:commands|actions}/{team}/{number}/{secret}", self._respond)
        server.router.add_route("*", "/consent/{name}", self._consent)
        self.files.add_to(server)

    async def _consent(self, request: web.Request) -> web.Response:
        """Be the provider's page, on which a person signs in and allows access."""
        name, account = request.match_info["name"], str((await request.post()).get("account") or "")
        if account:
            done = external_tokens.consent(self._state, name, account)
            said = f"<h1>{'Connected' if done else 'This page is too old'}</h1><p>You can close this tab."
        else:
            said = (
                "<h1>Allow access?</h1><form method=post><label>Sign in as "
                "<input name=account value=ada@example.com required></label> <button>Allow</button></form>"
            )
        return web.Response(text=f"<!doctype html><title>The provider</title>{said}", content_type="text/html")

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method, arguments = request.match_info["method"], await _arguments(request)
        if request.transport is not None:
            self.peers.add(str(request.transport.get_extra_info("peername")))
        if method == "oauth.v2.access" and self._oauth is not None:
            if method in self.delays:
                await self._state.clock.sleep(self.delays[method])
            return await send(request, _json(self._oauth.access(request.headers.get("Authorization", ""), arguments)))
        token = _token(request)
        return await self._meant(token, arguments)._call_here(request, method, arguments, token)

    def _meant(self, token: str, arguments: Mapping[str, Any]) -> "WebApi":
        """Return the API of a token's workspace, or for an organization's, of the one with the objects in the call."""
        known = [one for one in self.workspaces if one._state.knows(token)]
        named = [one for one in known if one._state.has(arguments)]
        return (named or known or [self])[0]

    async def _call_here(
        self, request: web.Request, method: str, arguments: dict[str, Any], token: str
    ) -> web.StreamResponse:
        asked, started = self._state.record("bot", method, arguments), time.perf_counter()
        seconds = self.latency + self.delays.get(method, 0.0)
        if seconds:
            await self._state.clock.sleep(seconds)
        answer = self._answer(method, arguments, token)
        milliseconds = (time.perf_counter() - started) * 1000
        self._state.record("slack", f"answer to {method}", answer.body, milliseconds, answers=asked)
        return await send(request, answer, {"X-OAuth-Scopes": ",".join(sorted(self.scopes))})

    def _answer(self, method: str, arguments: Mapping[str, Any], token: str) -> Answer:
        if method not in self._methods and method not in _OF_TOKENS:
            return _json({"ok": False, "error": "unknown_method"})
        refusal = self.failures.get(method) or self._refusal(method, token)
        if refusal is not None:
            return fault_answer(refusal) or _json(error_body(refusal))
        seconds = self.rate_limits.retry_after(method)
        if seconds is not None:
            return Answer(429, '{"ok":false,"error":"ratelimited"}', headers={"Retry-After": str(seconds)})
        fault = fault_in(arguments) if method.startswith(_EXTERNAL) else None
        if fault is not None:
            return fault_answer(fault) or _json(error_body(fault))
        if method == "auth.test":
            return _json(self._auth_test(token))
        if method == "auth.revoke":
            self.revoke(token, "token_revoked")
            return _json({"ok": True, "revoked": True})
        return _json(self._methods[method](arguments))

    def revoke(self, token: str, refusal: str) -> None:
        """Revoke a token in every workspace where it's valid."""
        for one in self.workspaces:
            if one._state.grants.pop(token, None) is not None:
                one._state.refusals[token] = refusal

    def _refusal(self, method: str, token: str) -> str | None:
        state = self._state
        if method in _WITHOUT_TOKEN:
            return None
        if not token:
            return "not_authed"
        if method == "apps.connections.open":
            return None if token == state.app_token else _wrong(token)
        if method.startswith(_EXTERNAL) and state.api_tokens is not None:
            if token in state.api_tokens:
                return None
            return state.refusal(token) or "not_allowed_token_type"
        if method == "auth.test" and token in (state.api_tokens or ()):
            return None
        if (refusal := state.refusal(token)) is not None:
            return refusal
        return "missing_scope" if {scopes.NEEDED.get(method, "commands")} - self.scopes - {"commands"} else None

    def _auth_test(self, token: str) -> dict[str, Any]:
        grant = self._state.grants.get(token)
        is_of_organization = self._state.is_org_install if grant is None else grant.is_of_organization
        answer = {
            "ok": True,
            "url": "https://sandbox.slack.com/",
            "team": self._state.team_name,
            "team_id": self._state.enterprise_id if grant and is_of_organization else self._state.team_id,
            "enterprise_id": self._state.enterprise_id,
            "is_enterprise_install": is_of_organization,
            "user": "extauth",
            "user_id": BOT,
        }
        more = {"bot_id": self._state.bot_id, "app_id": self._state.app_id}
        return answer | {name: value for name, value in more.items() if value}

    def _users_info(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        person = self._state.people.get(str(arguments.get("user")))
        return {"ok": True, "user": person.user_object()} if person else {"ok": False, "error": "user_not_found"}

    def _group(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        users = self._state.groups.get(str(arguments.get("usergroup")))
        return {"ok": False, "error": "no_such_subteam"} if users is None else {"ok": True, "users": users}

    def _post_ephemeral(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Implement https://docs.slack.dev/reference/methods/chat.postEphemeral"""
        refusal = self._channel_refusal(arguments)
        if refusal is not None:
            return {"ok": False, "error": refusal}
        user, channel = str(arguments.get("user")), str(arguments.get("channel"))
        if user not in self._state.people:
            return {"ok": False, "error": "user_not_in_channel"}
        message = self._state.post(user, channel, str(arguments.get("text", "")), _blocks(arguments.get("blocks")))
        return {"ok": True, "message_ts": message.ts}

    def _post_message(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if arguments.get("channel") in self._state.people:
            # The message is stored as ephemeral, because only the person sees a direct conversation with Extauth.
            posted = self._post_ephemeral({**arguments, "user": arguments["channel"], "channel": DIRECT})
            return {**posted, "channel": DIRECT, "ts": posted["message_ts"]} if posted["ok"] else posted
        refusal = self._channel_refusal(arguments)
        if refusal is not None:
            return {"ok": False, "error": refusal}
        channel, blocks = str(arguments.get("channel")), arguments.get("blocks")
        post = self._state.post_to_all(BOT, channel, str(arguments.get("text", "")), _blocks(blocks))
        return {"ok": True, "channel": channel, "ts": post.ts}

    def _update(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Implement https://docs.slack.dev/reference/methods/chat.update"""
        refusal = self._channel_refusal(arguments)
        if refusal is not None:
            return {"ok": False, "error": refusal}
        channel, ts, text = (str(arguments.get(name, "")) for name in ("channel", "ts", "text"))
        if not self._state.change(channel, ts, text, _blocks(arguments.get("blocks"))):
            return {"ok": False, "error": "message_not_found"}
        return {"ok": True, "channel": channel, "ts": ts}

    def _channel_refusal(self, arguments: Mapping[str, Any]) -> str | None:
        channel = str(arguments.get("channel"))
        if channel in self.channel_failures:
            return self.channel_failures[channel]
        if channel not in self._state.channels and channel != DIRECT:
            return "channel_not_found"
        return "invalid_blocks" if message_complaints(arguments) else None

    def _schedule_message(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Implement https://docs.slack.dev/reference/methods/chat.scheduleMessage"""
        refusal = self._channel_refusal(arguments)
        if refusal is not None:
            return {"ok": False, "error": refusal}
        ahead = float(arguments.get("post_at") or 0) - self._state.clock.now()
        if not 0 < ahead <= _FURTHEST_SECONDS:
            return {"ok": False, "error": "time_in_past" if ahead <= 0 else "time_too_far"}
        scheduled_id = f"Q{self._state.number():08d}"
        self._state.scheduled[scheduled_id] = dict(arguments)
        return {"ok": True, "scheduled_message_id": scheduled_id, "channel": arguments.get("channel")}

    def _delete_scheduled_message(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Implement https://docs.slack.dev/reference/methods/chat.deleteScheduledMessage"""
        gone = self._state.scheduled.pop(str(arguments.get("scheduled_message_id")), None)
        return {"ok": True} if gone is not None else {"ok": False, "error": "invalid_scheduled_message_id"}

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        team = request.match_info["team"]
        meant = next((one for one in self.workspaces if one._state.team_id == team), self)
        return await meant._respond_here(request)

    async def _respond_here(self, request: web.Request) -> web.StreamResponse:
        """Serve a response URL. https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""
        state, address = self._state, self._state.response_urls.get(request.path)
        message = await _arguments(request)
        asked, started = state.record("bot", "response_url", message, path=request.path), time.perf_counter()
        fault = fault_answer(self.failures.get("response_url", ""))
        # Slack has posted the message even if its response is garbled, but not if a proxy responds in place of Slack.
        is_posted = fault is None or (fault.status == 200 and fault.content_type == "application/json")
        is_posted = is_posted and not (fault and (fault.delay or fault.breaks or fault.cuts or fault.drip))
        answer = await self._post_back(address, message) if is_posted else web.Response()
        milliseconds = (time.perf_counter() - started) * 1000
        said = answer.text if fault is None else fault.body
        state.record("slack", "answer to response_url", str(said), milliseconds, answers=asked)
        return answer if fault is None else await send(request, fault)

    async def _post_back(self, address: ResponseUrl | None, message: dict[str, Any]) -> web.Response:
        state = self._state
        if self.latency:
            await state.clock.sleep(self.latency)
        if self.response_failures:
            return web.Response(status=self.response_failures.pop(0), text="upstream connect error")
        if address is None or address.uses >= RESPONSE_URL_USES:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        if state.clock.now() - address.at > RESPONSE_URL_SECONDS:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        complaints = [] if message.get("delete_original") else message_complaints(message)
        if complaints:
            state.record("slack", "invalid_blocks", complaints)
            return web.json_response({"ok": False, "error": "invalid_blocks"}, status=400)
        address.uses += 1
        before = next((old for old in state.messages if old.ts == address.message_ts), None)
        if address.message_ts and (message.get("replace_original") or message.get("delete_original")):
            state.messages[:] = [old for old in state.messages if old.ts != address.message_ts]
        if not message.get("delete_original"):
            new = state.post(address.user_id, address.channel, message.get("text", ""), message.get("blocks") or [])
            if address.message_ts and message.get("replace_original"):
                address.message_ts = new.ts
                new.shown_at = (before.shown_at or before.ts) if before else ""
        return web.json_response({"ok": True})


async def _arguments(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text())
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}
    return {**request.query, **await request.post()}


def _blocks(blocks: Any) -> list[dict[str, Any]]:
    """Return the blocks, which are JSON text if the request was a form."""
    return list(json.loads(blocks) if isinstance(blocks, str) else blocks or [])


def _token(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ").strip()


def _wrong(token: str) -> str:
    return "not_allowed_token_type" if token.startswith(("xoxb-sandbox", "xapp-1-")) else "invalid_auth"


def _json(body: Mapping[str, Any]) -> Answer:
    return Answer(body=json.dumps(body))
