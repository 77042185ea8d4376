"""What is said of a deletion, before and after."""

from bot.pasted import quote
from bot.service import Deleted
from bot.slack.external_auth.models import DeleteTokens
from bot.ui import parts
from bot.ui.screen import Screen


def deleted_screen(deleted: Deleted) -> Screen:
    """Return what was deleted, and what that means."""
    many = deleted.request.is_bulk
    blocks = (
        parts.paragraph(f"*Deleted on Slack's side: {parts.what(deleted.request.arguments())}*"),
        parts.paragraph(
            "• The provider was *not* told. Whoever still holds a copy of "
            f"{'such a token' if many else 'the token'} can use it until it is revoked there, so revoke it there too.\n"
            f"• Workflows that use {'them' if many else 'it'} stop working until someone connects the account again."
        ),
        parts.small_print(f"Only you can see this. Reference {deleted.reference}"),
    )
    return Screen("Deleted", f"Deleted {_plain(deleted.request)} on Slack's side", blocks)


def _plain(request: DeleteTokens) -> str:
    return "all matching tokens" if request.is_bulk else f"the token {quote(request.external_token_id or '')}"
