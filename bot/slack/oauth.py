"""Has Slack renew the bot's tokens. https://docs.slack.dev/authentication/using-token-rotation"""

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot.installation import RenewedToken
from bot.logs import slack_code
from bot.slack.web import ClientFactory


class RenewalRefused(Exception):
    """Slack gives no new token. The message is its code."""


class TokenRenewer:
    """Trades refresh tokens, as the app that they were given to."""

    def __init__(self, clients: ClientFactory, client_id: str, client_secret: SecretStr) -> None:
        self._clients = clients
        self._client_id = client_id
        self._client_secret = client_secret

    async def renew(self, refresh_token: SecretStr) -> RenewedToken:
        """Return a new token.

        Raises RenewalRefused, and what slack_sdk raises where Slack can't be reached.
        """
        # Nothing is sent twice: the first may have arrived, and a refresh token is good once.
        client = self._clients.web(None, retry_handlers=[])
        try:
            answer = await client.oauth_v2_access(
                client_id=self._client_id,
                client_secret=self._client_secret.get_secret_value(),
                grant_type="refresh_token",
                refresh_token=refresh_token.get_secret_value(),
            )
        except SlackApiError as error:
            raise RenewalRefused(slack_code(error)) from None
        token, following, seconds = (answer.get(name) for name in ("access_token", "refresh_token", "expires_in"))
        if answer.get("token_type") != "bot" or not (isinstance(token, str) and isinstance(following, str)):
            raise RenewalRefused("no bot token in the answer")
        return RenewedToken(SecretStr(token), SecretStr(following), float(seconds or 0))
