"""Screens for a fetched, tested, or deleted token. A message shows it masked; only a modal shows it in full."""

import re
from collections.abc import Sequence

from bot.ids import TypedText, quote
from bot.operation import Permission
from bot.outcomes import Deleted, Fetched, Tested
from bot.slack import mrkdwn
from bot.slack.external_auth.models import DeleteTokens, GetToken
from bot.views import buttons, parts
from bot.views.buttons import RECONNECT, Button
from bot.views.extras import extras_block
from bot.views.parts import Screen

DOTS = "••••••••"
_SHORTEST_PARTLY_SHOWN = 24
_LAST_SECOND = 253402300799  # the end of the year 9999, because a later time can't be a real expiry
_PAGES = {
    ("google", "gmail", "gdrive", "gcal"): ("Google", "https://myaccount.google.com/connections"),
    ("github",): ("GitHub", "https://github.com/settings/applications"),
    ("salesforce", "sfdc"): (
        "Salesforce",
        "https://help.salesforce.com/s/articleView?id=platform.remoteaccess_request_approve.htm&type=5",
    ),
    ("microsoft", "azure", "office", "outlook", "sharepoint", "onedrive"): (
        "Microsoft",
        "https://myapps.microsoft.com/",
    ),
    ("atlassian", "jira", "confluence", "trello"): ("Atlassian", "https://id.atlassian.com/manage-profile/apps"),
    ("notion",): ("Notion", "https://www.notion.com/help/add-and-manage-connections-with-the-api"),
    ("dropbox",): ("Dropbox", "https://www.dropbox.com/account/connected_apps"),
    ("zoom",): ("Zoom", "https://marketplace.zoom.us/user/installed"),
    ("hubspot",): ("HubSpot", "https://knowledge.hubspot.com/integrations/manage-connected-apps"),
    ("box",): ("Box", "https://app.box.com/account/security"),
}
"""The words in a provider key that identify a provider, and the provider's name and page for revoking access."""
NAMES = tuple(name for names in _PAGES for name in names)
"""The words that identify a provider in its key."""


def mask(token: str) -> str:
    """Return dots in place of a token, between the first and last four characters if the token is long."""
    if len(token) < _SHORTEST_PARTLY_SHOWN:
        return DOTS
    return f"{token[:4]}{DOTS}{token[-4:]}"


def expiry(token: str) -> int | None:
    """Return the `exp` of a JWT in seconds since the epoch (UTC), unverified, or None without a plausible one."""
    import jwt  # noqa: PLC0415 (it loads all kinds of keys, and most tokens aren't JWTs)

    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    at = claims.get("exp")
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 < at <= _LAST_SECOND:
        return None
    return int(at)


def masked_screen(fetched: Fetched) -> Screen:
    """Return the screen with the masked token, the known facts about it, and the buttons for the next steps."""
    token, token_id = fetched.token.token.get_secret_value(), fetched.request.external_token_id
    title, (length, *expires), extras = _described(fetched, token)
    next_steps = (
        (Button.SHOW, GetToken(token_id, show=True)),
        (Button.REFRESH, GetToken(token_id, force_refresh=True)),
        (Button.DELETE, DeleteTokens(external_token_id=token_id)),
    )
    steps = [(button, request) for button, request in next_steps if request.operation.permission in fetched.allowed]
    can_show = Permission.SHOW in fetched.allowed
    again = "*Show token* fetches the token again and shows it in full. " if can_show else ""
    blocks: list[parts.Block] = [
        parts.heading(parts.Mark.DONE, title, mrkdwn.code(quote(token_id))),
        parts.rich_text([parts.literal(mask(token), is_code=True), parts.literal(f"  {length}")]),
        *[parts.paragraph(fact) for fact in expires],
        *extras,
        *([parts.actions(*(buttons.build(button, request) for button, request in steps))] if steps else []),
        parts.small_print(f"Only you can see this. {again}Reference {fetched.reference}"),
    ]
    return Screen("External token", f"{title}: {quote(token_id)}", tuple(blocks))


def token_screen(fetched: Fetched) -> Screen:
    """Return the screen with the token in full, which only a modal can show."""
    token = fetched.token.token.get_secret_value()
    title, facts, extras = _described(fetched, token)
    blocks: list[parts.Block] = [
        parts.heading(parts.Mark.DONE, title, mrkdwn.code(quote(fetched.request.external_token_id))),
        parts.copyable(token),
        parts.paragraph(" · ".join(facts)),
        *extras,
        parts.small_print(
            "Anyone with this token can act as the connected account. Extauth doesn't keep it: when you close this, "
            f"it's gone. Reference {fetched.reference}"
        ),
    ]
    return Screen("External token", title, tuple(blocks), modal_only=True)


def _described(fetched: Fetched, token: str) -> tuple[str, Sequence[str], Sequence[parts.Block]]:
    """Return a title, the token's length and expiry, and the provider's other fields.

    The expiry is from the token, or after a forced refresh, from the provider. It's left out if neither has one.
    """
    at, extras = expiry(token) if token.count(".") == 2 else None, fetched.token.extras
    if at is None and fetched.request.force_refresh:
        # RFC 6749 (5.1) defines a number of seconds, but some providers send it as text.
        lifetime = extras.get("expires_in")
        seconds = str(lifetime) if isinstance(lifetime, int | str) and not isinstance(lifetime, bool) else ""
        if seconds.isascii() and seconds.isdigit() and 0 < len(seconds) < 10:
            at = int(fetched.at) + int(seconds)
    facts = [parts.count(len(token), "character")]
    if at is not None:
        facts.append(f"{'Expires' if at > fetched.at else '*Expired*'} {parts.moment(at)}")
    title = "Token refreshed" if fetched.request.force_refresh else "Token fetched"
    return title, facts, [extras_block(extras, token)] if extras else []


def tested_screen(tested: Tested) -> Screen:
    """Return the screen for an account that works."""
    arguments = tested.request.arguments()
    title = "This account works"
    blocks = (
        parts.heading(parts.Mark.DONE, title, parts.subject(arguments)),
        parts.paragraph("Slack returned its token. Extauth didn't show or keep it."),
        parts.small_print(f"Only you can see this. Reference {tested.reference}"),
    )
    return Screen("Works", f"{title}: {parts.subject(arguments, plain=True)}", blocks)


def deleted_screen(deleted: Deleted) -> Screen:
    """Return the screen for a deletion, with its consequences."""
    request = deleted.request
    copies, them = ("Copies of the tokens", "them") if request.is_bulk else ("Copies of the token", "it")
    page = revoke_page(request.provider_key) if request.provider_key is not None else None
    where = f"<{mrkdwn.escape(page[1])}|at {page[0]}>" if page is not None else "there"
    blocks = (
        parts.heading(parts.Mark.DONE, "Deleted from Slack", parts.subject(request.arguments())),
        parts.paragraph(
            f"• The provider wasn't told. {copies} keep working until you revoke {them} {where}.\n"
            f"• Workflows that use {them} stop working until someone reconnects the account."
        ),
        *([parts.actions(RECONNECT)] if Permission.CONNECT in deleted.allowed else []),
        parts.small_print(f"Only you can see this. Reference {deleted.reference}"),
    )
    return Screen("Deleted", f"Deleted from Slack: {parts.subject(request.arguments(), plain=True)}", blocks)


def revoke_page(provider_key: str | TypedText) -> tuple[str, str] | None:
    """Return a provider's name and page, or None for an unknown key. An app's developer can choose any key."""
    words = {*re.findall(r"[a-z]+", str(provider_key).lower())}
    return next((page for names, page in _PAGES.items() if words & {*names}), None)
