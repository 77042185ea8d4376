"""The short answers: denials, usage, help, waiting, and the unexpected."""

from collections.abc import Mapping, Sequence
from typing import assert_never

from slack_sdk.models.blocks import Block, DividerBlock

from bot.access import AllowList, Decision, Reason
from bot.audit.entries import Entry
from bot.explanations import explain
from bot.operation import Permission
from bot.pasted import TokenFormat
from bot.service import Deleted, Denied, Failed, Fetched, HistoryUnavailable, NotRecorded
from bot.slack import mrkdwn
from bot.ui import parts
from bot.ui.screen import Screen

_DOING = {
    Permission.GET: "fetch tokens",
    Permission.DELETE: "delete tokens",
    Permission.HISTORY: "see the audit record",
}
_BECAUSE = {
    Reason.GUEST: "Guests of a workspace cannot use external tokens.",
    Reason.BOT: "Bots cannot use external tokens.",
    Reason.DEACTIVATED: "This account is deactivated.",
    Reason.EXTERNAL: "People of other organisations cannot use this workspace's external tokens.",
    Reason.NOT_INSTALLED: "Extauth isn't installed in the workspace this comes from. An admin there can install it.",
    Reason.UNKNOWN: "Slack did not tell the bot who you are, and without knowing it does nothing. Try again in a "
    "minute; if it stays, whoever runs this bot should look at its log.",
}
_ENDED = {
    None: "Your request may or may not have gone through. Run it again.",
    "fetched": "The token was fetched but not shown. Run the command again to see it.",
    "deleted": "The deletion went through.",
    "failed": "The request failed. Run it again to see why.",
    "denied": "You don't have permission for this, so no request was sent to Slack.",
}
"""What is said of an outcome that was recorded, but not told. None stands for any other."""
TOKEN_IDS = (
    "A token id looks like `Et12345ABCDE`. Slack makes one for each account that someone connects to an app of its "
    "automation platform. The app's functions receive it as the input that stands for the account (of the type "
    "`oauth2`): the app's developer can log that input and read it with `slack activity`."
)


def denied_screen(denied: Denied) -> Screen:
    """Return why not, and who can help."""
    decision = denied.decision
    blocks: list[Block] = [
        parts.paragraph(f"*You may not {_DOING[decision.permission]} here*"),
        parts.paragraph(_because(decision)),
        parts.small_print(f"Nothing was asked of Slack. Reference {denied.reference}"),
    ]
    return Screen("Not allowed", f"You may not {_DOING[decision.permission]} here", tuple(blocks), is_failure=True)


def not_recorded_screen(outcome: NotRecorded) -> Screen:
    """Return what happened although it couldn't be recorded."""
    title, said = _not_recorded(outcome)
    blocks = (
        parts.paragraph(f"*{title}*"),
        parts.paragraph(f"{said} The bot does nothing with tokens that its audit record does not show."),
        parts.paragraph(
            "*What to do now:* Try again in a minute. If it stays, the bot's database needs attention.\n"
            "Who can help: whoever runs this bot."
        ),
        parts.small_print(f"Reference {outcome.reference}"),
    )
    return Screen("Not recorded", title, blocks, is_failure=True)


def _not_recorded(outcome: NotRecorded) -> tuple[str, str]:
    match outcome.done:
        case None:
            return "Nothing was done, because it could not be recorded", "Slack was not asked for anything."
        case Deleted():
            return (
                "Deleted, but that could not be recorded",
                "Slack deleted what you asked for, but the result could not be put on record yet.",
            )
        case Fetched():
            return (
                "The token is withheld, because it could not be recorded",
                "Slack returned the token, but that could not be put on record, so it is not shown.",
            )
        case Failed():
            told = explain(outcome.done.error.code, outcome.request.operation)
            return told.title, f"{told.happened} This result could not be put on record yet."
        case _:
            assert_never(outcome.done)


def usage_screen(problem: str, suggestion: str | None, usage: str) -> Screen:
    """Return what wasn't understood in typed text. `problem` is plain text and may quote the person."""
    meant = [f"Did you mean {mrkdwn.code(suggestion, 500)}?"] if suggestion is not None else []
    blocks = (
        parts.plain_paragraph(problem),
        parts.paragraph("\n".join([*meant, f"Usage: {mrkdwn.code(usage)}", "`/extauth help` says more."])),
    )
    return Screen("Not understood", "That was not understood", blocks, is_failure=True)


def pasted_token_screen(token_format: TokenFormat) -> Screen:
    """Return that a token was typed, and what to do about it."""
    title = f"That looks like {token_format.name}, not an ID"
    where = f" on <{token_format.revoke_url}|the provider's page>" if token_format.revoke_url else " with its provider"
    blocks = (
        parts.paragraph(f"*{title}*"),
        parts.paragraph(
            "No request was sent to Slack, and Extauth didn't keep what you typed. Use the token's ID instead: it "
            f"looks like `Et12345ABCDE`.\nIf anyone else could have seen the token, revoke it{where}."
        ),
    )
    return Screen("Not an ID", title, blocks, is_failure=True)


def help_screen(usages: Sequence[tuple[str, str]], permissions: Mapping[Permission, Decision]) -> Screen:
    """Return how to use the bot, what this person is allowed to do, and where a token ID comes from."""
    commands = "\n".join(f"• {mrkdwn.code(usage)}\n    {mrkdwn.escape(does)}" for usage, does in usages)
    blocks: list[Block] = [
        parts.paragraph(
            "*Extauth* hands out and deletes the tokens that Slack keeps for connected third-party accounts. Only you "
            "see its answers."
        ),
        parts.paragraph(commands),
        DividerBlock(),
        parts.paragraph(f"*What you may do here*\n{may_lines(permissions)}"),
        parts.paragraph(f"*Where a token id comes from*\n{TOKEN_IDS}"),
        parts.small_print(
            "A deletion is on Slack's side only: the provider is not told. "
            "<https://docs.slack.dev/reference/methods/apps.auth.external.get|About get> · "
            "<https://docs.slack.dev/reference/methods/apps.auth.external.delete|about delete>"
        ),
    ]
    return Screen("Extauth", "How to use /extauth", tuple(blocks))


def may_lines(permissions: Mapping[Permission, Decision]) -> str:
    """Return what this person is allowed to do, and whom to ask for the rest, as mrkdwn."""
    return "\n".join(_may(decision) for decision in permissions.values())


def working_screen(what: str) -> Screen:
    """Return what a modal says until the answer comes."""
    return Screen("One moment", what, (parts.paragraph(what),))


def waiting_screen(seconds: int | None) -> Screen:
    """Return that it takes longer; `seconds` if Slack said how long to wait."""
    why = (
        f"Slack asks us to slow down: the bot tries again in {seconds} seconds."
        if seconds is not None
        else "Slack is taking its time."
    )
    text = f"{why} The result will appear here."
    return Screen("One moment", text, (parts.paragraph(text),))


def history_unavailable_screen(outcome: HistoryUnavailable) -> Screen:
    """Return that the audit log can't be read now."""
    blocks = (
        parts.paragraph("*The audit record cannot be read at the moment*"),
        parts.paragraph(
            "The bot's database does not answer. Try again in a minute.\nWho can help: whoever runs this bot."
        ),
        parts.small_print(f"Reference {outcome.reference}"),
    )
    return Screen("Not readable", "The audit record cannot be read at the moment", blocks, is_failure=True)


def too_late_screen() -> Screen:
    """Return that a modal couldn't be opened, because Slack's three seconds for that were over."""
    text = "The dialog could not be opened in the three seconds Slack gives for it. Nothing was done; please try again."
    return Screen("Too late", text, (parts.paragraph(text),), is_failure=True)


def outdated_screen() -> Screen:
    """Return that a button or modal is of an older version."""
    text = "This comes from an older version of the bot and can no longer be used. Please start again with `/extauth`."
    return Screen("Outdated", text, (parts.paragraph(text),), is_failure=True)


def unexpected_screen(reference: str) -> Screen:
    """Return that something broke in the bot itself."""
    blocks = (
        parts.paragraph("*Something went wrong in the bot*"),
        parts.paragraph(
            "This is a fault of the bot, not yours. What you asked for may or may not have happened. Whoever runs the "
            "bot finds the details in its log under the reference below."
        ),
        parts.small_print(f"Reference {reference}"),
    )
    return Screen("That did not work", "Something went wrong in the bot", blocks, is_failure=True)


def interrupted_screen(reference: str) -> Screen:
    """Return that the bot is being stopped before an answer came."""
    blocks = (
        parts.paragraph("*The bot was restarted before Slack answered*"),
        parts.paragraph("What you asked for may or may not have happened. Please ask again in a minute."),
        parts.small_print(f"Reference {reference}"),
    )
    return Screen("Interrupted", "The bot was restarted before Slack answered", blocks, is_failure=True)


def restarted_screen(entry: Entry) -> Screen:
    """Return how something ended whose answer was lost when the bot was killed."""
    title = "Extauth restarted before it could answer"
    asked = " ".join(mrkdwn.code(str(value), 300) for value in entry.parameters.values())
    blocks = (
        parts.paragraph(f"*{title}*"),
        parts.paragraph(f"{_ENDED.get(entry.outcome, _ENDED[None])}\nYou asked for: {entry.action} {asked}"),
        parts.small_print(f"Reference {entry.reference}"),
    )
    return Screen("Interrupted", title, blocks, is_failure=True)


def _because(decision: Decision) -> str:
    if decision.reason is Reason.NOT_LISTED:
        return f"That is for {_people(decision.allow)}. Ask one of them."
    # Not str.capitalize(): it would change the ids of the people named.
    people = _people(decision.allow)
    helpers = f" {people[0].upper()}{people[1:]} can." if decision.reason is Reason.GUEST else ""
    return _BECAUSE[decision.reason] + helpers


def _may(decision: Decision) -> str:
    doing = _DOING[decision.permission]
    return f"• You may {doing}." if decision.allowed else f"• You may not {doing}. {_because(decision)}"


def _people(allow: AllowList) -> str:
    roles = {
        "members": "every full member of the workspace",
        "admins": "workspace admins and owners",
        "owners": "workspace owners",
    }
    names = [words for role, words in roles.items() if role in allow.roles]
    mentions = [f"<@{user_id}>" for user_id in sorted(allow.users)]
    mentions += [f"the group <!subteam^{group}>" for group in sorted(allow.groups)]
    names += mentions[:10]
    if len(mentions) > 10:
        names.append(f"{len(mentions) - 10} others")
    return " and ".join(([", ".join(names[:-1])] if names[1:] else []) + names[-1:])
