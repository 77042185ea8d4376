"""Checks of the client ID, the client secret, and the installations of an app that many workspaces install."""

from slack_sdk.errors import SlackApiError

from bot.audit.keys import vault_of
from bot.check.finding import Finding, not_checked, ok, problem
from bot.clock import Clock
from bot.logs import slack_code
from bot.settings import Settings
from bot.slack.client import ClientFactory
from bot.slack.oauth import AppCredentials
from bot.storage.address import database_url
from bot.storage.engine import DatabaseError, open_database
from bot.storage.schema import check_schema
from bot.workspaces.installation_rows import InstallationRows

CLIENT, INSTALLATIONS = "SLACK_CLIENT_ID", "Installations"
_COPY = "Copy the Client ID and the Client Secret from Basic Information → App Credentials."
_WRONG = {
    "invalid_client_id": "Slack knows no app with this client ID.",
    "bad_client_secret": "SLACK_CLIENT_SECRET isn't the secret of this client ID.",
}
_NO_CODE = "invalid_code"


async def check_client(settings: Settings, clients: ClientFactory, blocked: str | None) -> Finding:
    """Send Slack a made-up code, because the refusal shows whether Slack accepts the app's ID and secret."""
    if blocked is not None or settings.client_id is None or settings.client_secret is None:
        return not_checked(CLIENT, str(blocked))
    app = AppCredentials(settings.client_id, settings.client_secret)
    try:
        await app.access(clients.web(None), code="0.extauth-check", redirect_uri=f"{settings.public_url}/")
    except SlackApiError as error:
        code = slack_code(error)
    except Exception as error:
        code = type(error).__name__
    else:
        code = "ok"
    if code in _WRONG:
        return problem(CLIENT, _WRONG[code], _COPY)
    if code != _NO_CODE:
        return not_checked(CLIENT, f"Slack answered {code}")
    return ok(CLIENT, f"Slack accepts the client ID and its secret. People install the app at {settings.public_url}.")


async def check_installations(settings: Settings, clock: Clock) -> Finding:
    """Count the app's installations, and those that can't be decrypted with EXTAUTH_SECRET_KEY."""
    database = open_database(database_url(settings.database_url.get_secret_value()), creates=False)
    try:
        await database.run(check_schema, reads=True)
        rows = InstallationRows(database, vault_of(settings.secret_keys), clock)
        found, count = await rows.all(), await rows.count()
    except DatabaseError:
        return not_checked(INSTALLATIONS, "the database has none yet, or doesn't work")
    finally:
        await database.close()
    if len(found) < count:
        says = f"{count - len(found):,} of {count:,} can't be read with EXTAUTH_SECRET_KEY."
        return problem(INSTALLATIONS, says, "Put the key that they were encrypted with behind the new one.")
    return ok(INSTALLATIONS, f"The app is installed in {count:,} {'place' if count == 1 else 'places'}.")
