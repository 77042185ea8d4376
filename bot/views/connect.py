"""The screens and the form for connecting an account at its provider."""

from bot.environment import COMMAND
from bot.ids import quote
from bot.outcomes import Connecting
from bot.slack import mrkdwn
from bot.slack.external_auth.accounts import Account
from bot.slack.external_auth.models import ConnectAccount, InvalidParameter
from bot.views import parts
from bot.views.fields import (
    APP_ID,
    PROVIDER_KEY,
    FieldErrors,
    Offer,
    SubmittedView,
    UnusableChoice,
    form,
    id_field,
    mistake,
    read_id,
    read_text,
)
from bot.views.parts import Mark, Screen, View

CALLBACK_ID = "extauth_connect"
OPENED = "provider_page"
"""The `action_id` of the link, whose click Slack also reports."""
LOOK_MINUTES = 10


def build_form(metadata: str, offer: Offer) -> View:
    key = id_field(
        PROVIDER_KEY,
        "Provider key",
        "The name in the app's manifest, such as google.",
        value=None,
        optional=False,
        has_list=offer.has_list,
    )
    app = id_field(APP_ID, "App ID", "Looks like A12345. For another app's provider.", value=None, optional=True)
    return form(CALLBACK_ID, "Connect an account", "Continue", metadata, [key, app])


def parse_form(view: SubmittedView) -> ConnectAccount | FieldErrors:
    """Return the request, or the mistakes by field."""
    values = view["state"]["values"]
    try:
        key = read_id(values, PROVIDER_KEY, f"{COMMAND} connect PROVIDER")
    except UnusableChoice as error:
        return {PROVIDER_KEY: str(error)}
    if key is None:
        return {PROVIDER_KEY: "Enter a provider key."}
    try:
        return ConnectAccount(key, read_text(values, APP_ID))
    except InvalidParameter as error:
        return mistake(error)


def page_screen(connecting: Connecting) -> Screen:
    """Return the screen with the link to the provider's page, which only a modal can show."""
    key = quote(connecting.request.provider_key)
    checks = f"For {LOOK_MINUTES} minutes, Extauth checks for the account and tells you when it's connected. "
    blocks = (
        parts.paragraph(
            f"*Connect an account*  {mrkdwn.code(key)}\nOpen the provider's page, sign in, and allow access. Slack "
            "keeps the token of the account that you sign in to there."
        ),
        parts.actions(parts.link_button("Open the page", OPENED, connecting.address.get_secret_value())),
        parts.small_print(
            f"{checks if connecting.is_watched else ''}Don't share the page's address: anyone who opens it can "
            f"connect their own account. Reference {connecting.reference}"
        ),
    )
    return Screen("Connect an account", "Connect an account", blocks, modal_only=True)


def connected_screen(account: Account, reference: str, *, is_new: bool) -> Screen:
    """Return the screen for an account that came, or whose token was refreshed, after the page was opened."""
    title = "The account is connected" if is_new else "The account is connected again"
    name = mrkdwn.code(account.name, 80) if account.name else "Unknown account"
    blocks = (
        parts.heading(Mark.DONE, title, mrkdwn.code(account.provider_key, 80)),
        parts.paragraph(f"{name} · {mrkdwn.code(account.token_id)}"),
        parts.small_print(f"Only you can see this. Reference {reference}"),
    )
    return Screen("Connected", title, blocks)


def unseen_screen(provider_key: str, reference: str, *, is_cut: bool) -> Screen:
    """Return the screen for a page after which Extauth saw no account come. A stop cuts its checks off."""
    title = "Extauth saw no new account"
    checked = "It restarted, and no longer checks." if is_cut else f"It checked for {LOOK_MINUTES} minutes."
    blocks = (
        parts.heading(Mark.UNSURE, title, mrkdwn.code(provider_key)),
        parts.paragraph(
            f"{checked}\n*What to do:* If you allowed access, look with `{COMMAND} list`. If not, start again: "
            f"`{COMMAND} connect`."
        ),
        parts.small_print(f"Only you can see this. Reference {reference}"),
    )
    return Screen("Not connected", title, blocks, is_failure=True)
