"""The screens of a request while it runs and for each outcome, and the words for each operation."""

from dataclasses import dataclass
from typing import assert_never

from bot.audit.entries import Entry
from bot.environment import COMMAND
from bot.explanations import explain
from bot.operation import Operation, Request
from bot.outcomes import (
    Connecting,
    Deleted,
    Denied,
    Done,
    Failed,
    Fetched,
    HistoryPage,
    HistoryUnavailable,
    Listed,
    NotRecorded,
    NotSent,
    Tested,
)
from bot.views import parts
from bot.views.accounts import accounts_screen
from bot.views.connect import page_screen
from bot.views.failures import failure_screen
from bot.views.history import history_screen
from bot.views.notices import MAYBE, history_unavailable_screen, not_sent_screen
from bot.views.parts import Mark, Screen, notice
from bot.views.permissions import denied_screen
from bot.views.tokens import deleted_screen, masked_screen, tested_screen, token_screen

Shown = Done | HistoryPage | HistoryUnavailable | Denied | NotRecorded | NotSent
"""The outcomes that have a screen. `AlreadyRun` has none, because the first delivery shows the outcome."""
_LOOK = {
    "delete": f"They may or may not be deleted.\n*What to do:* See what's left with `{COMMAND} list`, then try again.",
    "refresh": f"It may or may not be refreshed.\n*What to do:* Fetch it with `{COMMAND} get`.",
}
_LOOK_ANYWAY = f"{MAYBE}\n*What to do:* Try again."
_WITHHELD = "Slack returned it, but Extauth couldn't record that in its audit log."
_WITHHELD_TOKEN = ("Extauth withheld the token", _WITHHELD)
_UNRECORDED_DELETION = (
    "Deleted from Slack, but not recorded",
    "Extauth couldn't record the result in its audit log yet.",
)


@dataclass(frozen=True, slots=True)
class Words:
    """The words for an operation.

    `asked` is the request, to follow “to”. `working` is Extauth's activity, and the request's subject follows it, or
    `unnamed` for a request without a subject. `failed` is the title of a modal about a failure. `unrecorded` is the
    title and the text for a success that can't be recorded.
    """

    asked: str = "change something"
    working: str = "Working"
    failed: str = "Failed"
    unrecorded: tuple[str, str] = (
        "Extauth couldn't record the result",
        "Slack answered, but Extauth couldn't record that in its audit log.",
    )
    unnamed: str = ""


def words_of(operation: Operation) -> Words:
    match operation:
        case Operation.GET:
            return Words("fetch a token", "Fetching", "Couldn't get the token", _WITHHELD_TOKEN)
        case Operation.SHOW:
            return Words("show a token", "Fetching", "Couldn't get the token", _WITHHELD_TOKEN)
        case Operation.REFRESH:
            return Words("refresh a token", "Refreshing", "Couldn't refresh it", _WITHHELD_TOKEN)
        case Operation.TEST:
            works = ("The connected account works", "Extauth couldn't record that in its audit log yet.")
            return Words("test a connected account", "Testing", "Doesn't work", works)
        case Operation.DELETE:
            return Words("delete tokens", "Deleting", "Couldn't delete it", _UNRECORDED_DELETION)
        case Operation.DELETE_MANY:
            return Words("delete tokens", "Deleting", "Couldn't delete them", _UNRECORDED_DELETION)
        case Operation.LIST:
            withheld, accounts = ("Extauth withheld the list", _WITHHELD), "connected accounts"
            return Words("list the connected accounts", "Listing", "Couldn't list accounts", withheld, accounts)
        case Operation.CONNECT:
            withheld, page = ("Extauth withheld the page", _WITHHELD), "the provider's page"
            return Words("connect an account", "Asking for", "Couldn't connect", withheld, page)
        case Operation.HISTORY:
            return Words(working="Reading the audit log")
        case Operation.ASK_APPROVAL:
            return Words("ask for an approval")
        case Operation.APPROVE:
            return Words("approve a deletion")
        case Operation.DECLINE:
            return Words("decline a deletion")
        case Operation.SETTINGS:
            return Words("change the settings")
        case _:
            assert_never(operation)


def working_screen(request: Request) -> Screen:
    """Return the screen of a modal while the request runs."""
    words = words_of(request.operation)
    subject = parts.request_subject(request) or words.unnamed
    text = f"{words.working} {subject}…" if subject else f"{words.working}…"
    return Screen("One moment", text, (parts.paragraph(text),))


def waiting_screen(request: Request, seconds: int | None) -> Screen:
    """Return the screen for a longer wait, with the `seconds` left if Slack's limits cause the wait."""
    why = (
        f"Slack is limiting requests, so Extauth will send yours in about {parts.duration(seconds)}."
        if seconds is not None
        else "Slack is taking longer than usual."
    )
    working = working_screen(request).text
    return Screen(
        "One moment", why, (parts.paragraph(f"*{working}*"), parts.paragraph(f"{why} The result will appear here."))
    )


def outcome_screen(outcome: Shown, contact: str) -> Screen:
    """Return the screen for an outcome. `contact` is the person to ask for help.

    A screen with a token in full can be shown only in a modal.
    """
    match outcome:
        case Fetched():
            is_shown = outcome.request.operation is Operation.SHOW
            return token_screen(outcome) if is_shown else masked_screen(outcome)
        case Tested():
            return tested_screen(outcome)
        case Deleted():
            return deleted_screen(outcome)
        case Listed():
            return accounts_screen(outcome)
        case Connecting():
            return page_screen(outcome)
        case HistoryPage():
            return history_screen(outcome)
        case HistoryUnavailable():
            return history_unavailable_screen(outcome, contact)
        case Denied():
            return denied_screen(outcome, contact)
        case Failed():
            return failure_screen(outcome, contact, words_of(outcome.request.operation).failed)
        case NotRecorded():
            return not_recorded_screen(outcome, contact)
        case NotSent():
            return not_sent_screen(outcome)
        case _:
            assert_never(outcome)


def not_recorded_screen(outcome: NotRecorded, contact: str) -> Screen:
    """Return the screen for a request whose attempt or result couldn't be recorded in the audit log."""
    title, said = _not_recorded(outcome)
    is_done = outcome.done is not None and not isinstance(outcome.done, Failed) and not outcome.done.is_withheld
    mark = Mark.UNSURE if is_done else Mark.FAILED
    blocks = (
        parts.heading(mark, title, parts.request_subject(outcome.request)),
        parts.paragraph(said),
        parts.paragraph(
            "*What to do:* Try again in a minute. If this keeps happening, the database needs attention.\n"
            f"*Who can help:* {contact}"
        ),
        parts.small_print(f"Extauth keeps an audit log of everything it does. Reference {outcome.reference}"),
    )
    text = f"{title}: {parts.request_subject(outcome.request, plain=True)}"
    return Screen("Not recorded", text, blocks, is_failure=True)


def _not_recorded(outcome: NotRecorded) -> tuple[str, str]:
    if outcome.done is None:
        title = "Extauth couldn't record your request"
        return title, "So it didn't send the request to Slack. Nothing changed."
    if isinstance(outcome.done, Failed):
        told = explain(outcome.done.error.code, outcome.request.operation)
        return told.title, f"{told.happened} Extauth couldn't record this result in its audit log yet."
    return words_of(outcome.request.operation).unrecorded


def restarted_screen(entry: Entry) -> Screen:
    """Return the screen for a request whose process was killed, with a way to find out the result."""
    # A bulk deletion has the action of a deletion, and an entry from another version may have an unknown action.
    operation = next((operation for operation in Operation if operation.action == entry.action), None)
    words = words_of(operation) if operation is not None else Words()
    asked = f"You asked Extauth to {words.asked} {parts.moment(entry.at)}."
    return notice(
        "Interrupted",
        "Extauth restarted before it could answer",
        f"{asked} {_LOOK.get(entry.action, _LOOK_ANYWAY)}",
        f"The audit log has it as interrupted. Reference {entry.reference}",
        subject=parts.subject(entry.parameters),
        mark=Mark.UNSURE,
    )
