"""What the app asks for when it's installed, and how Slack renews the bot's tokens.

https://docs.slack.dev/authentication/using-token-rotation
"""

import base64
from dataclasses import dataclass, field

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.actor import RenewedToken
from bot.logs import slack_code
from bot.slack.client import ClientFactory

REQUIRED_SCOPES = {
    "chat:write": "lines to the audit channel, and answers that can't be posted otherwise",
    "commands": "the slash command and the shortcut",
    "usergroups:read": "who is in a user group of a list",
    "users:read": "who is an admin, a member, a guest",
}
"""The bot scopes that Extauth can't do without, and what each is for."""
OPTIONAL_SCOPES = {
    "files:write": "sends the results of a test as a file",
    "im:write": "opens the direct message that the file goes to",
}
"""The bot scopes that people can leave out when they install the app, and what each is for."""


class RenewalRefused(Exception):
    """Slack gives no new token. The message is its code."""


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """By what Slack knows the app, beside any token."""

    client_id: str
    client_secret: SecretStr = field(repr=False)

    async def access(self, client: AsyncWebClient, **arguments: str) -> AsyncSlackResponse:
        """Call oauth.v2.access. Raises what slack_sdk raises.

        slack_sdk's own method warns, for it uses what aiohttp has deprecated.
        https://docs.slack.dev/reference/methods/oauth.v2.access
        """
        pair = f"{self.client_id}:{self.client_secret.get_secret_value()}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        return await client.api_call("oauth.v2.access", data=arguments, headers=headers)


class TokenRenewer:
    """Trades refresh tokens, as the app that they were given to."""

    def __init__(self, clients: ClientFactory, app: AppCredentials) -> None:
        self._clients = clients
        self._app = app

    async def renew(self, refresh_token: SecretStr) -> RenewedToken:
        """Return a new token.

        Raises RenewalRefused, and what slack_sdk raises where Slack can't be reached.
        """
        # Nothing is sent twice: the first may have arrived, and a refresh token is good once.
        client = self._clients.web(None, once=True)
        try:
            answer = await self._app.access(
                client, grant_type="refresh_token", refresh_token=refresh_token.get_secret_value()
            )
        except SlackApiError as error:
            raise RenewalRefused(slack_code(error)) from None
        token, following, seconds = (answer.get(name) for name in ("access_token", "refresh_token", "expires_in"))
        if answer.get("token_type") != "bot" or not (isinstance(token, str) and isinstance(following, str)):
            raise RenewalRefused("no bot token in the answer")
        return RenewedToken(SecretStr(token), SecretStr(following), float(seconds or 0))
