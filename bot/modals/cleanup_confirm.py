"""The confirmation before several tokens are deleted. It names them, and the workflows that will stop."""

from collections.abc import Sequence

from slack_sdk.models.blocks import InputBlock, PlainTextInputElement
from slack_sdk.models.views import View

from bot.audit.batches import Batch
from bot.modals.fields import FieldErrors, Values, read_text
from bot.slack import mrkdwn
from bot.ui import parts
from bot.ui.batches import named_tokens

CALLBACK_ID = "extauth_cleanup_confirm"
TYPED = "typed_count"
MOST_WORKFLOWS = 20
_LONGEST_NAME = 80


def build(metadata: str, batch: Batch, *, is_listed: bool) -> View:
    """Build the modal. `is_listed` says whether Slack told which accounts and workflows are behind the tokens."""
    count = _count(len(batch.items))
    return View(
        type="modal",
        callback_id=CALLBACK_ID,
        title="Delete these tokens?" if len(batch.items) > 1 else "Delete this token?",
        submit="Delete",
        close="Cancel",
        private_metadata=metadata,
        blocks=[
            named_tokens(f"This deletes {count}:", batch.items),
            parts.paragraph(_breaks(batch, is_listed)),
            InputBlock(
                block_id=TYPED,
                label="Type what you're deleting to confirm",
                hint=f"delete {count}",
                element=PlainTextInputElement(action_id=TYPED, max_length=100),
            ),
        ],
    )


def errors(values: Values, count: int) -> FieldErrors:
    """Return what is wrong with what was typed for so many tokens; nothing when it confirms."""
    typed = " ".join((read_text(values, TYPED) or "").lower().replace(",", "").split())
    wanted = f"delete {_count(count)}"
    if typed == wanted.replace(",", ""):
        return {}
    return {TYPED: f"That doesn't match. Nothing was deleted. Type: {wanted}"}


def _count(count: int) -> str:
    return f"{count:,} token{'' if count == 1 else 's'}"


def _breaks(batch: Batch, is_listed: bool) -> str:
    workflows = sorted({name for item in batch.items for name in item.workflows})
    return (
        f"• {_stop(workflows, is_listed)}\n"
        "• Slack deletes its own copies only. The providers aren't told: other copies keep working until you revoke "
        "them there.\n"
        "• You can't undo this."
    )


def _stop(workflows: Sequence[str], is_listed: bool) -> str:
    if not is_listed:
        return "Workflows that use them stop working until someone reconnects the accounts."
    if not workflows:
        return "No workflow uses them, as far as Slack says."
    names = ", ".join(mrkdwn.code(name, _LONGEST_NAME) for name in workflows[:MOST_WORKFLOWS])
    left_out = len(workflows) - MOST_WORKFLOWS
    more = f" and {left_out:,} more" if left_out > 0 else ""
    return f"These workflows stop working until someone reconnects the accounts: {names}{more}"
