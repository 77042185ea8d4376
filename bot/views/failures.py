"""The screen that explains a failure, with the cause, the fix, the person who can help, and the small print."""

from bot.environment import COMMAND
from bot.explanations import Explanation, Who, explain
from bot.operation import Operation, Permission
from bot.outcomes import Failed
from bot.slack import mrkdwn
from bot.slack.external_auth.errors import RateLimitedError
from bot.slack.external_auth.models import CheckToken, ConnectAccount, DeleteTokens, GetToken, ListAccounts
from bot.views import buttons, parts
from bot.views.buttons import Button
from bot.views.parts import Screen


def failure_screen(failed: Failed, contact: str, title: str) -> Screen:
    """Return the screen for a failure. `contact` is the person to ask for help, and `title` is the modal's title."""
    request, operation = failed.request, failed.request.operation
    # If a request to refresh and show a token fails, the explanation of a failed refresh fits.
    is_refresh = operation is Operation.SHOW and request.mutates
    explanation = explain(failed.error.code, Operation.REFRESH if is_refresh else operation)
    mark = parts.Mark.UNSURE if failed.may_have_happened else parts.Mark.FAILED
    blocks: list[parts.Block] = [
        parts.heading(mark, explanation.title, parts.request_subject(request)),
        *map(parts.paragraph, _explained(failed, explanation, contact)),
    ]
    if isinstance(request, ListAccounts):
        ids = ", ".join(mrkdwn.code(token_id) for token_id in failed.recent_ids)
        used = f" You used {ids} lately." if ids else ""
        blocks.append(parts.paragraph(f"*Instead:* Type a token's ID: `{COMMAND} get ID`.{used}"))
    button = Button.RETRY if explanation.retry else Button.EDIT if explanation.edit and request.has_form else None
    built = [buttons.build(button, request)] if button is not None and buttons.can_carry(request) else []
    if explanation.who is Who.CONNECTOR and Permission.CONNECT in failed.allowed:
        token_id = request.external_token_id if isinstance(request, GetToken | CheckToken) else None
        built.append(buttons.reconnect(failed.provider_key, token_id))
    if built:
        blocks.append(parts.actions(*built))
    detail = "; ".join(failed.error.detail)
    quote = f"Slack's details: {detail}" if detail else ""
    blocks.append(parts.small_print(*_fine_print(failed), quote=quote))
    text = f"{explanation.title}: {parts.request_subject(request, plain=True)}"
    return Screen(title, text, tuple(blocks), is_failure=True)


def _explained(failed: Failed, explanation: Explanation, contact: str) -> tuple[str, str]:
    """Return the cause and the fix, as mrkdwn."""
    happened, to_do = [explanation.happened], explanation.to_do
    if isinstance(failed.error, RateLimitedError) and failed.error.retry_after is not None:
        happened.append(f"It asks Extauth to wait {parts.duration(failed.error.retry_after)}.")
        to_do = f"Try again after {parts.moment(failed.at + failed.error.retry_after, '{time}')}."
    if failed.error.code == "missing_scope" and failed.error.needed:
        happened.append(f"It's {mrkdwn.code(failed.error.needed, 500)}.")
    if failed.may_have_happened:
        change = {DeleteTokens: "deletion", GetToken: "refresh"}.get(type(failed.request), "change")
        happened.append(f"*The {change} may still have gone through.*")
    told = f"*What to do:* {to_do}"
    if explanation.who not in (Who.YOU, Who.SLACK):
        told += f"\n*Who can help:* {contact if explanation.who is Who.OPERATOR else explanation.who.value}"
    return " ".join(happened), told


def _fine_print(failed: Failed) -> list[str]:
    error = failed.error
    status = f" (HTTP {error.status})" if error.status not in (None, 200) else ""
    address = f"https://docs.slack.dev/reference/methods/{error.method}"
    page = f" · <{address}|About this method>" if not isinstance(failed.request, ListAccounts | ConnectAccount) else ""
    answered = f"{mrkdwn.code(error.method)} answered {mrkdwn.code(error.code, 100)}"
    lines = [f"{answered}{status}{page} · Reference {failed.reference}"]
    if error.needed or error.provided:
        needed, provided = mrkdwn.code(error.needed or "?", 500), mrkdwn.code(error.provided or "?", 500)
        lines.append(f"Needed: {needed} · Provided: {provided}")
    return lines
