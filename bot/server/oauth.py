"""Installation in many workspaces by Slack's OAuth flow, which Bolt runs, with Extauth's own pages.

https://docs.slack.dev/authentication/installing-with-oauth
"""

import asyncio
import logging
import re
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from pydantic import SecretStr
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth import AuthorizeUrlGenerator
from slack_sdk.oauth.installation_store import Installation

from bot.app import INSTALL_PATH
from bot.logs import sdk_logger, slack_code
from bot.server import oauth_pages as pages
from bot.server.rejections import INSTALLATION, Rejections
from bot.slack.client import ClientFactory
from bot.slack.oauth import OPTIONAL_SCOPES, REQUIRED_SCOPES, AppCredentials
from bot.storage.engine import DatabaseError
from bot.workspaces.installation_rows import InstallationRows
from bot.workspaces.installations import StoredInstallations
from bot.workspaces.oauth_states import STATE_SECONDS, OAuthStates

log = logging.getLogger(__name__)

_CODE = re.compile(r"[a-z0-9_]{1,50}", re.ASCII)
_AT_ONCE = 4
"""The maximum number of codes traded at a time. Anyone can send codes, and Slack may be slow to refuse them."""
_PAGES = {
    "access_denied": pages.CANCELED,
    "invalid_browser": pages.OTHER_BROWSER,
    "invalid_state": pages.USED,
}
"""The page for each of Bolt's reasons for a failed installation."""


class TooManyInstallations(Exception):
    """A refusal to trade another code while too many are being traded."""


class InstallationRefused(Exception):
    """Slack's refusal to give a token for a code. The message is Slack's error code."""


class OAuthPages:
    """The web pages of an installation. No page and no line of the log holds a code, a state, or a token."""

    def __init__(
        self,
        client_id: str,
        client_secret: SecretStr,
        public_url: str,
        clients: ClientFactory,
        rows: InstallationRows,
        states: OAuthStates,
        installations: StoredInstallations,
        rejections: Rejections,
    ) -> None:
        self._rejections = rejections
        self._slack_url = clients.base_url.removesuffix("api/")
        self._installations = installations
        self._states = states
        scopes = [*REQUIRED_SCOPES, *OPTIONAL_SCOPES]
        redirect_url = f"{public_url}{pages.REDIRECT_PATH}"
        authorize_url = f"{self._slack_url}oauth/v2/authorize"
        settings = AsyncOAuthSettings(
            client_id=client_id,
            client_secret=client_secret.get_secret_value(),
            scopes=scopes,
            redirect_uri=redirect_url,
            install_path=pages.START_PATH,
            install_page_rendering_enabled=False,
            redirect_uri_path=pages.REDIRECT_PATH,
            callback_options=AsyncCallbackOptions(success=self._succeeded, failure=self._failed),
            authorization_url=authorize_url,
            installation_store=rows,
            state_store=states,
            state_expiration_seconds=STATE_SECONDS,
            logger=sdk_logger,
        )
        # Bolt's own generator would add user scopes from the environment, and Extauth needs none.
        settings.authorize_url_generator = AuthorizeUrlGenerator(
            client_id=client_id, scopes=scopes, redirect_uri=redirect_url, authorization_url=authorize_url
        )
        self._flow = _Flow(settings, clients, states)
        # A link checker's HEAD must not complete an installation.
        self.routes = [
            web.get(path, self._answer, allow_head=path == INSTALL_PATH)
            for path in (INSTALL_PATH, pages.START_PATH, pages.REDIRECT_PATH)
        ]

    async def _answer(self, request: web.Request) -> web.Response:
        if request.path == INSTALL_PATH:
            return _page(200, pages.INSTALL)
        handle = self._flow.handle_installation if request.path == pages.START_PATH else self._flow.handle_callback
        try:
            asked = AsyncBoltRequest(body="", query=request.query_string, headers=dict(request.headers))
            answer = await handle(asked)
            response = _page(answer.status, answer.body)
            for name in ("location", "set-cookie"):
                for value in answer.headers.get(name, []):
                    response.headers.add(name, value)
            return response
        except InstallationRefused as error:
            self._rejections.count(f"{INSTALLATION}: {error}")
            return _page(400, pages.USED if str(error) == "invalid_state" else pages.refused_page(str(error)))
        except TooManyInstallations:
            self._rejections.count(f"{INSTALLATION}: busy")
            return _page(503, pages.BUSY)
        except DatabaseError as error:
            log.error("an installation couldn't be saved", extra={"why": str(error)})
            return _page(503, pages.NOT_KEPT)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.error("an installation couldn't reach Slack", extra={"error_type": type(error).__name__})
            return _page(502, pages.UNREACHABLE)
        except Exception as error:
            # The error's text isn't logged, because it may hold Slack's response, and so a token.
            log.error("an installation failed", extra={"error_type": type(error).__name__})
            return _page(500, pages.refused_page("internal_error"))

    async def _succeeded(self, args: AsyncSuccessArgs) -> BoltResponse:
        made = args.installation
        self._installations.forget(made.team_id, made.enterprise_id)
        log.info("installed", extra={"team_id": made.team_id, "enterprise_id": made.enterprise_id})
        where = {"app": made.app_id, "team": made.team_id}
        query = urlencode({name: value for name, value in where.items() if value})
        return BoltResponse(
            status=200,
            body=pages.done_page(f"{self._slack_url}app_redirect?{query}"),
            headers={"Set-Cookie": args.settings.state_utils.build_set_cookie_for_deletion()},
        )

    async def _failed(self, args: AsyncFailureArgs) -> BoltResponse:
        if await self._states.has_installed(args.request.query.get("state", [""])[0]):
            return BoltResponse(status=200, body=pages.INSTALLED)
        is_known = args.reason in _PAGES
        self._rejections.count(f"{INSTALLATION}: {args.reason if is_known else 'unknown'}")
        # The reason comes from the browser's request, so it may be any text.
        code = args.reason if _CODE.fullmatch(args.reason) else "unknown"
        page = _PAGES[args.reason] if is_known else pages.refused_page(code)
        status = 200 if args.reason == "access_denied" else 400
        return BoltResponse(status=status, body=page)


class _Flow(AsyncOAuthFlow):
    """Bolt's flow, but codes are traded without being logged, and tokens expire by Extauth's own clock."""

    def __init__(self, settings: AsyncOAuthSettings, clients: ClientFactory, states: OAuthStates) -> None:
        self._states = states
        self._app = AppCredentials(settings.client_id, SecretStr(settings.client_secret))
        # Nothing is retried, because a code works only once and the first attempt may have arrived.
        super().__init__(client=clients.web(None, once=True), logger=sdk_logger, settings=settings)
        self._clock = clients.clock
        self._trading = asyncio.Semaphore(_AT_ONCE)

    async def build_authorize_url(self, state: str, request: AsyncBoltRequest) -> str:
        """Return the URL of Slack's page, without the request's unchecked `team`, which Bolt would add."""
        return self.settings.authorize_url_generator.generate(state=state)

    async def store_installation(self, request: AsyncBoltRequest, installation: Installation) -> None:
        """Save an installation, once for each state. Raises InstallationRefused, DatabaseError."""
        if not await self._states.use(request.query["state"][0]):
            raise InstallationRefused("invalid_state")
        await super().store_installation(request, installation)
        await self._states.saved(request.query["state"][0])

    async def run_installation(self, code: str) -> Installation | None:
        """Trade a code for a bot token. Raises TooManyInstallations, InstallationRefused, or aiohttp's errors."""
        if self._trading.locked():
            raise TooManyInstallations
        try:
            async with self._trading:
                answer = await self._app.access(self.client, code=code, redirect_uri=str(self.settings.redirect_uri))
        except SlackApiError as error:
            raise InstallationRefused(slack_code(error)) from None
        seconds = answer.get("expires_in")
        enterprise, team, person = (answer.get(name) or {} for name in ("enterprise", "team", "authed_user"))
        if answer.get("token_type") != "bot":
            raise InstallationRefused("no_bot_token")
        return Installation(
            app_id=answer.get("app_id"),
            enterprise_id=enterprise.get("id"),
            team_id=team.get("id"),
            bot_token=answer.get("access_token"),
            bot_user_id=answer.get("bot_user_id"),
            bot_scopes=answer.get("scope") or "",
            bot_refresh_token=answer.get("refresh_token"),
            bot_token_expires_at=None if seconds is None else int(self._clock.now() + seconds),
            user_id=str(person.get("id")),
            is_enterprise_install=answer.get("is_enterprise_install") is True,
        )


def _page(status: int, page: str) -> web.Response:
    return web.Response(status=status, text=page, content_type="text/html", headers=pages.HEADERS)
