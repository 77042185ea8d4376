"""A failure, explained: what happened, what to do, who can do it, and the small print."""

from slack_sdk.models.blocks import ActionsBlock, Block

from bot.explanations import Asked, Explanation, Who, explain
from bot.external_auth.errors import ExternalAuthError
from bot.external_auth.models import DeleteTokens, GetToken
from bot.service import Failed, Purpose
from bot.ui import buttons, parts
from bot.ui.buttons import Button, Deed, Errand
from bot.ui.screen import Screen


def failure_screen(failed: Failed) -> Screen:
    """What went wrong, for a person."""
    explanation = explain(failed.error.code, _asked(failed.request))
    blocks: list[Block] = [
        parts.paragraph(f"*{explanation.title}*"),
        parts.paragraph(" ".join([explanation.happened, *_notes(failed)])),
        parts.paragraph(_to_do(explanation)),
    ]
    if explanation.retry:
        blocks.append(ActionsBlock(elements=[buttons.build(Button.TRY_AGAIN, _same_again(failed))]))
    detail = "; ".join(failed.error.detail)
    quote = f"Slack's detail: {detail}" if detail else ""
    blocks.append(parts.small_print(*_fine_print(failed.error, failed.reference), quote=quote))
    return Screen("That did not work", explanation.title, tuple(blocks), is_failure=True)


def _asked(request: GetToken | DeleteTokens) -> Asked:
    if isinstance(request, DeleteTokens):
        return Asked.DELETE_MANY if request.is_bulk else Asked.DELETE_ONE
    return Asked.REFRESH if request.force_refresh else Asked.GET


def _notes(failed: Failed) -> list[str]:
    notes = []
    if failed.error.retry_after is not None:
        notes.append(f"Slack says to wait {failed.error.retry_after} seconds.")
    if failed.error.may_have_happened:
        change = "deletion" if isinstance(failed.request, DeleteTokens) else "refresh"
        notes.append(f"*The {change} may have happened all the same.*")
    return notes


def _to_do(explanation: Explanation) -> str:
    helper = "You can do this yourself." if explanation.who is Who.YOU else f"Who can help: {explanation.who.value}."
    return f"*What to do now:* {explanation.to_do}\n{helper}"


def _same_again(failed: Failed) -> Errand:
    if isinstance(failed.request, DeleteTokens):
        return Errand(Deed.DELETE, failed.request)
    return Errand(Deed.SHOW if failed.purpose is Purpose.SHOW else Deed.GET, failed.request)


def _fine_print(error: ExternalAuthError, reference: str) -> list[str]:
    status = f" (HTTP {error.status})" if error.status not in (None, 200) else ""
    lines = [
        f"{parts.code(error.method)} answered {parts.code(error.code, 100)}{status} · "
        f"<https://docs.slack.dev/reference/methods/{error.method}|about this method> · Reference {reference}"
    ]
    if error.needed or error.provided:
        needed, provided = parts.code(error.needed or "?", 500), parts.code(error.provided or "?", 500)
        lines.append(f"Needed: {needed} · provided: {provided}")
    return lines
