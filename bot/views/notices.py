"""Short screens for mistyped commands, outdated messages, and errors in Extauth itself."""

from collections import Counter
from collections.abc import Sequence

from bot.audit.entries import Entry
from bot.environment import COMMAND
from bot.ids import TokenFormat
from bot.operation import Request
from bot.outcomes import HistoryUnavailable, NotSent
from bot.slack import mrkdwn
from bot.views import buttons, parts
from bot.views.buttons import Button
from bot.views.parts import Mark, Screen, failed_line, notice

MAYBE = "Your request may or may not have gone through."
_STEPS = {
    "works": "tested: the account works",
    "deleted": "deleted",
    "failed": "failed",
    "denied": "denied",
    "not done": "not sent to Slack",
    "interrupted": "may or may not have gone through",
}
"""The result of a step in words, by its outcome in the audit log."""

CHECKING = Screen("One moment", "Checking your permissions…", (parts.paragraph("Checking your permissions…"),))
"""The screen of a modal while Extauth checks the person's permissions."""
TOO_LATE = failed_line("Too late", "The dialog took too long to open. Nothing changed. Try again.")
"""The screen for a modal that wasn't opened within Slack's three seconds."""
UNOPENED = failed_line("Not opened", "Slack didn't open the dialog. Nothing changed. Try again in a minute.")
"""The screen for a modal that Slack didn't open, or that it opened without a confirmation."""
UNSHOWN = failed_line(
    "Not shown", "Slack didn't show the result in the dialog, and it can't be in a message. Run the command again."
)
"""The screen for a result that only a modal may show, and whose modal couldn't be updated."""
BATCH_GONE = failed_line("Outdated", f"Extauth keeps these results for a day. Start again with `{COMMAND}`.")
"""The screen for a batch that is too old to return to."""
OTHER_COMMAND = failed_line("Another command", f"This app's command is `{COMMAND}`.")
"""The reply to a command that the app's settings have under another name than EXTAUTH_COMMAND."""
OUTDATED = failed_line("Outdated", f"This is from an older version of Extauth. Start again with `{COMMAND}`.")
"""The screen for a button or modal of an older version."""


def usage_screen(problem: str, suggestion: str | None, usage: str, button: parts.Block | None = None) -> Screen:
    """Return the screen for a command that wasn't understood, with the button for the suggested command.

    `problem` is plain text that may quote the command.
    """
    meant = [f"Did you mean {mrkdwn.code(suggestion, 500)}?"] if suggestion is not None else []
    blocks = (
        parts.plain_paragraph(f"{Mark.FAILED} {problem}"),
        parts.paragraph("\n".join([*meant, f"Usage: {mrkdwn.code(usage)}", f"For all commands: `{COMMAND} help`"])),
        *([parts.actions(button)] if button is not None else []),
    )
    return Screen("Check the command", "Extauth didn't understand that", blocks, is_failure=True)


def pasted_token_screen(token_format: TokenFormat) -> Screen:
    """Return the screen for a token that a person typed, with the advice to revoke it."""
    where = f" on <{token_format.revoke_url}|the provider's page>" if token_format.revoke_url else " with its provider"
    return notice(
        "Not an ID",
        f"That looks like {token_format.name}, not an ID",
        "No request was sent to Slack, and Extauth didn't keep what you typed. Use the token's ID instead. It "
        f"looks like `Et12345ABCDE`.\n*What to do:* If anyone else could have seen the token, revoke it{where}.",
    )


def not_sent_screen(outcome: NotSent) -> Screen:
    """Return the screen for a request that was still waiting for Slack's limits when the process stopped."""
    title = "Extauth restarted before sending your request"
    blocks: list[parts.Block] = [
        parts.heading(Mark.FAILED, title, parts.request_subject(outcome.request)),
        parts.paragraph(
            "It was still waiting, because Slack is limiting requests. Nothing changed.\n"
            "*What to do:* Try again in a minute."
        ),
    ]
    if buttons.can_carry(outcome.request):
        blocks.append(parts.actions(buttons.build(Button.RETRY, outcome.request)))
    blocks.append(parts.small_print(f"Reference {outcome.reference}"))
    return Screen("Not sent", title, tuple(blocks), is_failure=True)


def history_unavailable_screen(outcome: HistoryUnavailable, contact: str) -> Screen:
    return notice(
        "Audit log",
        "Extauth can't read the audit log",
        f"*What to do:* Try again in a minute. If this keeps happening, contact {contact}.",
        f"Reference {outcome.reference}",
    )


def no_database_screen(reference: str, contact: str | None) -> Screen:
    """Return the screen for a request that can't start because the database doesn't work.

    `contact` is None if the workspace isn't known.
    """
    otherwise = f" If this keeps happening, contact {contact}." if contact is not None else ""
    return notice(
        "Not recorded" if contact is not None else "Not begun",
        "Extauth can't use its database",
        f"No request was sent to Slack. Nothing changed.\n*What to do:* Try again in a minute.{otherwise}",
        f"Reference {reference}",
    )


def not_installed_screen(install_url: str | None) -> Screen:
    """Return the screen for a workspace without Extauth, with the URL for installing it if there is one."""
    where = f" at <{mrkdwn.escape(install_url)}>" if install_url is not None else ""
    said = f"*What to do:* Install it{where}, or ask a workspace admin to install it."
    return notice("Not installed", "Extauth isn't installed in this workspace", said)


def unexpected_screen(request: Request | None, reference: str, contact: str) -> Screen:
    """Return the screen for an error in Extauth itself."""
    return notice(
        "Something went wrong",
        "Something went wrong in Extauth",
        "It wasn't you. Your request may or may not have gone through.\n"
        f"*What to do:* Try again. If this keeps happening, contact {contact} and give the reference below.",
        f"Reference {reference}",
        subject=parts.request_subject(request) if request is not None else "",
        mark=Mark.UNSURE,
    )


def interrupted_screen(request: Request | None, reference: str) -> Screen:
    """Return the screen for a request that a shutdown interrupted."""
    return notice(
        "Interrupted",
        "Extauth restarted before Slack answered",
        f"{MAYBE}\n*What to do:* Try again in a minute.",
        f"Reference {reference}",
        subject=parts.request_subject(request) if request is not None else "",
        mark=Mark.UNSURE,
    )


def restarted_batch_screen(entries: Sequence[Entry], reference: str) -> Screen:
    """Return the screen for a batch whose process was killed, with its results from the audit log."""
    counts = Counter(_STEPS.get(entry.outcome or "", _STEPS["interrupted"]) for entry in entries)
    steps = "\n".join(f"• {count:,} {words}" for words, count in counts.items())
    return notice(
        "Interrupted",
        "Extauth restarted before it could finish",
        f"{steps}\n• The others weren't started\n*What to do:* Start again for the rest.",
        f"`{COMMAND} history` shows each. Reference {reference}",
        mark=Mark.UNSURE,
    )
