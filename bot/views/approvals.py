"""The message that requests approval of a deletion, and the screens that follow it."""

from bot.access import APPROVAL_SECONDS
from bot.batch import Batch
from bot.environment import COMMAND
from bot.slack import mrkdwn
from bot.slack.external_auth.models import DeleteTokens
from bot.views import parts
from bot.views.batches import MOST_ITEMS, stopping_workflows
from bot.views.parts import Mark, Screen, notice

APPROVE, DECLINE = "approval_approve", "approval_decline"
"""The `action_id`s of the buttons, whose values contain the batch's ID and digest."""
_NOT_DECIDED = {
    "own_request": "You asked for this deletion, so somebody else has to approve it.",
    "expired": "This request expired. Nothing was deleted.",
    "decided": "Somebody else has decided already.",
    "off": "Deletions need no approval any more, so Extauth takes none. Nothing was deleted.",
    "gone": "Extauth doesn't have this request any more. Nothing was deleted.",
}
"""The reasons that a click had no effect, by the code in the audit log."""
_ENDINGS = {
    "declined": ("Your deletion was declined", "{by} declined it. Nothing was deleted."),
    "expired": ("Nobody approved your deletion", "It expired after an hour. Nothing was deleted."),
    "not begun": (
        "Your deletion didn't start",
        "It was approved, but Extauth restarted before it could start. Nothing was deleted.\n*What to do:* Ask again.",
    ),
}
"""The title and the text for the requester of a deletion that won't run, by its ending."""


def deletion(batch: Batch, *, plain: bool = False) -> str:
    """Return the tokens that a batch deletes, as mrkdwn, or as `plain` text for a notification."""
    if len(batch.items) > 1:
        return f"{len(batch.items):,} tokens"
    return parts.subject(batch.items[0].deletion().arguments(), plain=plain)


def request_screen(batch: Batch) -> Screen:
    """Return the message that requests approval. It doesn't name accounts, because others can also read it."""
    blocks: list[parts.Block] = [parts.paragraph(f"*<@{batch.user_id}> asks to delete {deletion(batch)}*")]
    if len(batch.items) > 1:
        lines = []
        for item in batch.items[:MOST_ITEMS]:
            provider = f"{mrkdwn.code(item.provider_key, 80)} · " if item.provider_key else ""
            lines.append(f"• {provider}{mrkdwn.code(item.token_id)}")
        left_out = len(batch.items) - MOST_ITEMS
        if left_out > 0:
            lines.append(f"and {left_out:,} more")
        blocks.append(parts.paragraph("\n".join(lines)))
    if stops := stopping_workflows(batch):
        blocks.append(parts.paragraph(stops))
    value = f"{batch.batch_id} {batch.digest}"
    blocks += [
        parts.actions(
            parts.button("Approve", APPROVE, value, "danger"),
            parts.button("Decline", DECLINE, value),
        ),
        parts.small_print(
            f"Someone other than <@{batch.user_id}> has to approve it by "
            f"{parts.moment(batch.at + APPROVAL_SECONDS, '{time}')}. You can't undo it. Reference {batch.reference}"
        ),
    ]
    return Screen("Approval", f"Someone wants to delete {deletion(batch, plain=True)}", tuple(blocks))


def decided_screen(batch: Batch, what: str) -> Screen:
    """Return the screen that replaces the request for approval. `what`, the decision or result, is mrkdwn."""
    blocks = (
        parts.paragraph(f"<@{batch.user_id}> asked to delete {deletion(batch)}\n{what}"),
        parts.small_print(f"Reference {batch.reference}"),
    )
    return Screen("Approval", f"Decided: {deletion(batch, plain=True)}", blocks)


def requested_screen(batch: Batch, where: str) -> Screen:
    """Return the screen for a request that waits for approval. `where`, as mrkdwn, names the channel or approvers."""
    until = parts.moment(batch.at + APPROVAL_SECONDS, "{time}")
    return notice(
        "Approval",
        "Waiting for approval",
        f"Somebody else has to approve this deletion by {until}. {where} The result will reach you.",
        f"No request was sent to Slack yet. Reference {batch.reference}",
        subject=deletion(batch),
        mark=Mark.DONE,
    )


def not_asked_screen(batch: Batch, contact: str) -> Screen:
    """Return the screen for a request that no one could be asked to approve."""
    return notice(
        "Approval",
        "Extauth couldn't ask for approval",
        "This deletion needs somebody's approval, but Slack didn't take the message that asks for it. Nothing was "
        f"deleted.\n*What to do:* Try again in a minute. If this keeps happening, contact {contact}.",
        f"Reference {batch.reference}",
        subject=deletion(batch),
    )


def unapprovable_screen(request: DeleteTokens, contact: str) -> Screen:
    """Return the screen for a value that isn't an ID, because a request for approval would store and show the value."""
    return notice(
        "Approval",
        "Extauth can't ask for approval of this",
        "This deletion needs approval, but what you entered doesn't look like an ID. It could be a secret, so Extauth "
        f"doesn't keep it or show it to anyone. Nothing was deleted.\n*What to do:* Check the ID. `{COMMAND} list` "
        f"shows the IDs of connected accounts.\n*Who can help:* {contact}",
        subject=parts.subject(request.arguments()),
    )


def ended_screen(batch: Batch, ending: str, by: str = "") -> Screen:
    """Return the requester's screen for a deletion that won't run. `by`, as mrkdwn, is the approver who declined it."""
    title, said = _ENDINGS[ending]
    return notice("Approval", title, said.format(by=by), f"Reference {batch.reference}", subject=deletion(batch))


def not_decided_screen(code: str, reference: str) -> Screen:
    """Return the screen for a click on *Approve* or *Decline* that had no effect."""
    blocks = (parts.paragraph(f"{Mark.FAILED} {_NOT_DECIDED[code]}"), parts.small_print(f"Reference {reference}"))
    return Screen("Approval", _NOT_DECIDED[code], blocks, is_failure=True)
