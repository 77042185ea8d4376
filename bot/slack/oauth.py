"""The app's scopes and OAuth credentials, and the renewal of its bot tokens.

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
"""Bot scopes that Extauth needs, and the reason for each."""
OPTIONAL_SCOPES = {
    "files:write": "sends the results of a test as a file",
    "im:write": "opens the direct message that the file goes to",
}
"""Bot scopes that people can omit when they install the app, and the reason for each."""


class RenewalRefused(Exception):
    """Slack's refusal to issue a new token. The message is Slack's code, or a description of an incomplete response."""


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """The app's client ID and secret, which authenticate the app without a token."""

    client_id: str
    client_secret: SecretStr = field(repr=False)

    async def access(self, client: AsyncWebClient, **arguments: str) -> AsyncSlackResponse:
        """Call oauth.v2.access. Raises slack_sdk's errors.

        slack_sdk's own method isn't used, because it causes a deprecation warning from aiohttp.
        https://docs.slack.dev/reference/methods/oauth.v2.access
        """
        pair = f"{self.client_id}:{self.client_secret.get_secret_value()}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        return await client.api_call("oauth.v2.access", data=arguments, headers=headers)

    async def renew(self, clients: ClientFactory, refresh_token: SecretStr) -> RenewedToken:
        """Trade a refresh token for a new bot token.

        Raises RenewalRefused, and aiohttp's errors if Slack can't be reached.
        """
        # Sent only once, because a refresh token works once and a failed request may still have reached Slack.
        client = clients.web(None, once=True)
        try:
            answer = await self.access(
                client, grant_type="refresh_token", refresh_token=refresh_token.get_secret_value()
            )
        except SlackApiError as error:
            raise RenewalRefused(slack_code(error)) from None
        token, following, seconds = (answer.get(name) for name in ("access_token", "refresh_token", "expires_in"))
        if answer.get("token_type") != "bot" or not (isinstance(token, str) and isinstance(following, str)):
            raise RenewalRefused("no bot token in the answer")
        return RenewedToken(SecretStr(token), SecretStr(following), float(seconds or 0))
