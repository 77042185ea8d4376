"""What is said of a deletion, afterward."""

from bot.outcomes import Deleted
from bot.slack import mrkdwn
from bot.slack.external_auth.models import DeleteTokens
from bot.ui import parts
from bot.ui.providers import revoke_page
from bot.ui.screen import Screen


def deleted_screen(deleted: Deleted) -> Screen:
    """Return what was deleted, and what that means."""
    request = deleted.request
    copies, them = ("Copies of the tokens", "them") if request.is_bulk else ("Copies of the token", "it")
    blocks = (
        parts.heading(parts.Mark.DONE, "Deleted from Slack", parts.subject(request.arguments())),
        parts.paragraph(
            f"• The provider wasn't told. {copies} keep working until you revoke {them} {_where(request)}.\n"
            f"• Workflows that use {them} stop working until someone reconnects the account."
        ),
        parts.small_print(f"Only you can see this. Reference {deleted.reference}"),
    )
    return Screen("Deleted", f"Deleted from Slack: {parts.plain_subject(request.arguments())}", blocks)


def _where(request: DeleteTokens) -> str:
    page = revoke_page(request.provider_key) if request.provider_key is not None else None
    return f"<{mrkdwn.escape(page[1])}|at {page[0]}>" if page is not None else "there"
