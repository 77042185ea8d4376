"""A failure, explained: what happened, what to do, who can do it, and the small print."""

from slack_sdk.models.blocks import ActionsBlock, Block

from bot.explanations import Explanation, Who, explain
from bot.operation import Operation
from bot.service import Failed
from bot.slack import mrkdwn
from bot.slack.external_auth.errors import ExternalAuthError, RateLimitedError, UnconfirmedError
from bot.slack.external_auth.models import DeleteTokens
from bot.ui import buttons, parts
from bot.ui.buttons import Button
from bot.ui.screen import Screen


def failure_screen(failed: Failed) -> Screen:
    """Return what went wrong, for a person."""
    explanation = explain(failed.error.code, _explained_operation(failed))
    blocks: list[Block] = [
        parts.paragraph(f"*{explanation.title}*"),
        parts.paragraph(" ".join([explanation.happened, *_notes(failed)])),
        parts.paragraph(_to_do(explanation)),
    ]
    if explanation.retry and buttons.can_carry(failed.request):
        blocks.append(ActionsBlock(elements=[buttons.build(Button.RETRY, failed.request)]))
    detail = "; ".join(failed.error.detail)
    quote = f"Slack's detail: {detail}" if detail else ""
    blocks.append(parts.small_print(*_fine_print(failed.error, failed.reference), quote=quote))
    return Screen("That did not work", explanation.title, tuple(blocks), is_failure=True)


def _explained_operation(failed: Failed) -> Operation:
    # A token that was to be refreshed and shown failed as a refresh, if it was the refresh that failed.
    request = failed.request
    return Operation.REFRESH if request.operation is Operation.SHOW and request.mutates else request.operation


def _notes(failed: Failed) -> list[str]:
    notes = []
    if isinstance(failed.error, RateLimitedError) and failed.error.retry_after is not None:
        notes.append(f"Slack says to wait {failed.error.retry_after} seconds.")
    if isinstance(failed.error, UnconfirmedError) and failed.request.mutates:
        change = "deletion" if isinstance(failed.request, DeleteTokens) else "refresh"
        notes.append(f"*The {change} may have happened all the same.*")
    return notes


def _to_do(explanation: Explanation) -> str:
    helper = "You can do this yourself." if explanation.who is Who.YOU else f"Who can help: {explanation.who.value}."
    return f"*What to do now:* {explanation.to_do}\n{helper}"


def _fine_print(error: ExternalAuthError, reference: str) -> list[str]:
    status = f" (HTTP {error.status})" if error.status not in (None, 200) else ""
    lines = [
        f"{mrkdwn.code(error.method)} answered {mrkdwn.code(error.code, 100)}{status} · "
        f"<https://docs.slack.dev/reference/methods/{error.method}|about this method> · Reference {reference}"
    ]
    if error.needed or error.provided:
        needed, provided = mrkdwn.code(error.needed or "?", 500), mrkdwn.code(error.provided or "?", 500)
        lines.append(f"Needed: {needed} · provided: {provided}")
    return lines
