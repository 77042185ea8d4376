"""The simulated Slack's side of installing the app in more workspaces and organizations.

https://docs.slack.dev/authentication/installing-with-oauth
https://docs.slack.dev/authentication/using-token-rotation
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.clock import Clock
from bot.sandbox.slack.channels import BOT
from bot.sandbox.slack.state import APP_ID, Grant, State

CODE_SECONDS = 600.0
TOKEN_SECONDS = 12 * 3600
PATH = "/oauth/v2/authorize"
_INSTALLER = "U0ADMIN"


@dataclass(frozen=True)
class Place:
    """A workspace that can install the app, or an organization with all of its workspaces."""

    place_id: str
    name: str
    workspaces: tuple[State, ...]
    is_organization: bool = False


@dataclass(frozen=True)
class Code:
    """A code that a browser takes back to Extauth, and that is valid once."""

    place: Place
    redirect_url: str
    scopes: str
    at: float


class OAuth:
    """The app's client ID and secret, and the codes and tokens that the simulated Slack has issued.

    With `rotates`, tokens expire after `token_seconds`, which are twelve hours in Slack, and each token comes with a
    refresh token that is valid once. `redirect_urls` are from the app's manifest. Without any, all are accepted.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.client_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}"
        self.client_secret = secrets.token_hex(16)
        self.redirect_urls: list[str] = []
        self.rotates = False
        self.token_seconds = TOKEN_SECONDS
        self.places: dict[str, Place] = {}
        self.refused: list[str] = []
        """The error codes of refused requests for a token."""
        self._codes: dict[str, Code] = {}
        self._refresh_tokens: dict[str, tuple[Place, str]] = {}

    def add_to(self, server: web.Application) -> None:
        """Serve the page that asks a person to allow the app."""
        server.router.add_get(PATH, self._ask)
        server.router.add_get(f"{PATH}/answer", self._answer)
        server.router.add_get("/app_redirect", self._app)

    def add(self, place_id: str, name: str, workspaces: Sequence[State], *, is_organization: bool = False) -> None:
        """Allow a workspace or an organization to install the app."""
        self.places[place_id] = Place(place_id, name, tuple(workspaces), is_organization)

    def new_code(self, place_id: str, redirect_url: str, scopes: str) -> str:
        """Return the code with which Slack sends a browser back to Extauth after a click on *Allow*."""
        code = f"{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._codes[code] = Code(self.places[place_id], redirect_url, scopes, self._clock.now())
        return code

    def access(self, authorization: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Implement https://docs.slack.dev/reference/methods/oauth.v2.access"""
        refusal = self._client_refusal(authorization, arguments)
        if refusal is None and arguments.get("grant_type") == "refresh_token":
            found = self._refresh_tokens.pop(str(arguments.get("refresh_token")), None)
            if found is not None:
                place, scopes = found
                return self._grant(place, scopes)
            refusal = "invalid_refresh_token"
        if refusal is None:
            code = self._codes.pop(str(arguments.get("code")), None)
            if code is None or self._clock.now() - code.at > CODE_SECONDS:
                refusal = "invalid_code"
            elif arguments.get("redirect_uri") != code.redirect_url:
                refusal = "bad_redirect_uri"
            else:
                return self._grant(code.place, code.scopes)
        self.refused.append(refusal)
        return {"ok": False, "error": refusal}

    def _client_refusal(self, authorization: str, arguments: Mapping[str, Any]) -> str | None:
        given = f"{arguments.get('client_id')}:{arguments.get('client_secret')}"
        if authorization.startswith("Basic "):
            given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        client_id, _, secret = given.partition(":")
        if client_id != self.client_id:
            return "invalid_client_id"
        return None if secrets.compare_digest(secret, self.client_secret) else "bad_client_secret"

    def _grant(self, place: Place, scopes: str) -> dict[str, Any]:
        token = f"{'xoxe.' if self.rotates else ''}xoxb-sandbox-{place.place_id}-{secrets.token_hex(12)}"
        grant = Grant(self._clock.now() + self.token_seconds if self.rotates else None, place.is_organization)
        for workspace in place.workspaces:
            workspace.grants[token] = grant
            workspace.is_org_install = place.is_organization
        enterprise_id = place.workspaces[0].enterprise_id
        answer = {
            "ok": True,
            "access_token": token,
            "token_type": "bot",
            "scope": scopes,
            "bot_user_id": BOT,
            "app_id": APP_ID,
            "team": None if place.is_organization else {"id": place.place_id, "name": place.name},
            "enterprise": {"id": enterprise_id, "name": place.name} if enterprise_id else None,
            "is_enterprise_install": place.is_organization,
            "authed_user": {"id": _INSTALLER},
        }
        if self.rotates:
            refresh_token = f"xoxe-1-{secrets.token_hex(24)}"
            self._refresh_tokens[refresh_token] = (place, scopes)
            answer |= {"refresh_token": refresh_token, "expires_in": self.token_seconds}
        return answer

    async def _ask(self, request: web.Request) -> web.Response:
        refusal = self._page_refusal(request)
        if refusal is not None:
            return _page("Something went wrong", f"<p>{refusal}</p>", 400)
        fields = {name: request.query.get(name, "") for name in ("client_id", "redirect_uri", "state", "scope")}

        def link(label: str, **more: str) -> str:
            return f'<p><a href="{escape(f"{PATH}/answer?{urlencode({**fields, **more})}")}">{escape(label)}</a></p>'

        allows = "".join(link(f"Allow in {place.name}", place=place.place_id) for place in self.places.values())
        scopes = "".join(f"<li>{escape(scope)}</li>" for scope in fields["scope"].split(","))
        return _page("Extauth is requesting permission", f"<ul>{scopes}</ul>{allows}{link('Cancel')}")

    async def _answer(self, request: web.Request) -> web.Response:
        refusal = self._page_refusal(request)
        if refusal is not None:
            return _page("Something went wrong", f"<p>{refusal}</p>", 400)
        redirect_url, place_id = request.query["redirect_uri"], request.query.get("place")
        if place_id in self.places:
            answer = {"code": self.new_code(place_id, redirect_url, request.query.get("scope", ""))}
        else:
            answer = {"error": "access_denied"}
        back = urlencode({**answer, "state": request.query.get("state", "")})
        raise web.HTTPFound(f"{redirect_url}?{back}")

    def _page_refusal(self, request: web.Request) -> str | None:
        if request.query.get("client_id") != self.client_id:
            return "Invalid client_id parameter"
        given = request.query.get("redirect_uri", "")
        is_known = not self.redirect_urls or any(given.startswith(url) for url in self.redirect_urls)
        return None if given and is_known else "redirect_uri did not match any configured URIs."

    async def _app(self, request: web.Request) -> web.Response:
        return _page("Slack", f"<p>The App Home of {escape(request.query.get('app', ''))}</p>")


def _page(title: str, body: str, status: int = 200) -> web.Response:
    page = f'<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1>{body}</html>'
    return web.Response(status=status, text=page, content_type="text/html")
