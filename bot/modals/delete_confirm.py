"""The confirmation of a deletion. For more than one token, a name has to be typed."""

from slack_sdk.models.blocks import Block, InputBlock, MarkdownTextObject, PlainTextInputElement, SectionBlock
from slack_sdk.models.views import View

from bot.modals.fields import FieldErrors, Values, read_text
from bot.slack.external_auth.models import DeleteTokens

CALLBACK_ID = "extauth_delete_confirm"
TYPED = "typed_name"

_KINDS = {"external_token_id": "token", "provider_key": "provider", "app_id": "app"}


def build(metadata: str, request: DeleteTokens) -> View:
    """Build the modal. `metadata` must hold the request."""
    blocks: list[Block] = [
        SectionBlock(text=MarkdownTextObject(text=f"*{_goes(request)}*")),
        SectionBlock(text=MarkdownTextObject(text=_breaks(request))),
    ]
    if request.is_bulk:
        blocks.append(
            InputBlock(
                block_id=TYPED,
                label=f"Type the {_kind(request)} to confirm",
                hint=_name(request),
                element=PlainTextInputElement(action_id=TYPED),
            )
        )
    return View(
        type="modal",
        callback_id=CALLBACK_ID,
        title="Delete all tokens?" if request.is_bulk else "Delete this token?",
        submit="Delete",
        close="Cancel",
        private_metadata=metadata,
        blocks=blocks,
    )


def parse(values: Values, request: DeleteTokens) -> FieldErrors:
    """Say what is wrong with the typed name; nothing when the deletion is confirmed."""
    if not request.is_bulk or read_text(values, TYPED) == _name(request):
        return {}
    return {TYPED: f"This is not the {_kind(request)}. Nothing was deleted. Type: {_name(request)}"}


def _name(request: DeleteTokens) -> str:
    return request.provider_key or request.app_id or ""


def _kind(request: DeleteTokens) -> str:
    return "provider key" if request.provider_key else "app id"


def _goes(request: DeleteTokens) -> str:
    # Ids have no character that mrkdwn would take for markup inside a code span.
    owners = " of ".join(f"the {_KINDS[name]} `{value}`" for name, value in request.arguments().items())
    return f"All tokens of {owners} will be deleted, of every account." if request.is_bulk else f"Delete {owners}?"


def _breaks(request: DeleteTokens) -> str:
    them = "them" if request.is_bulk else "it"
    return (
        f"• Workflows that use {them} stop working until someone connects the account again.\n"
        "• Only Slack forgets. The provider is *not* told: copies stay valid until they are revoked there.\n"
        "• This cannot be undone."
    )
