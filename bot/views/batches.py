"""The screens for the progress and the result of a batch."""

from collections.abc import Mapping, Sequence

from bot.batch import Batch, Item
from bot.environment import COMMAND
from bot.explanations import Who, explain, explain_no_accounts
from bot.ids import TypedText, quote
from bot.jobs.run import BatchEnding, BatchOutcome
from bot.operation import Operation
from bot.outcomes import Denied, Failed
from bot.slack import mrkdwn
from bot.slack.external_auth.accounts import AccountState, state_of
from bot.views import parts
from bot.views.parts import Mark, Screen
from bot.views.permissions import denied_because

STOP, EXPORT, RETRY = "batch_stop", "batch_export", "batch_retry"
"""The `action_id`s of a batch's buttons, whose values are the batch's ID."""
MOST_ITEMS = 20
"""Maximum number of tokens named in one list."""
MOST_GROUPS = 12
"""Maximum number of error codes to explain, because a message has no room for more. The others share one list."""
_BAR = 20
_LONGEST_NAME = 60
_LONGEST_WORKFLOW = 80
_CLOSABLE = "You can close this: the result will still reach you."
_WORDS = {
    Operation.TEST: ("Testing accounts", "tested", "Test results"),
    Operation.DELETE: ("Deleting tokens", "done", "Deletion results"),
}
STOPPING = {
    operation: Screen(title, "Stopping…", (parts.paragraph("Stopping…"), parts.small_print(_CLOSABLE)))
    for operation, (title, _, _) in _WORDS.items()
}
"""The screen for a batch that will stop, by operation. It has no progress, because another process may run it."""
STATES = {
    AccountState.EXPIRED: "Expired, and can't be refreshed",
    AccountState.REJECTED: "Rejected by the provider",
    AccountState.GONE: "Gone",
    AccountState.UNKNOWN: "Couldn't be tested",
}
"""The problem with an account, by its state."""
_BECAUSE = {
    BatchEnding.STOPPED: "You stopped it.",
    BatchEnding.RESTARTED: "Extauth restarted.",
    BatchEnding.NOT_RECORDED: "Extauth couldn't use its database.",
    BatchEnding.NOT_APPROVED: "Nobody else approved it.",
    BatchEnding.DENIED: "You no longer have permission.",
    BatchEnding.REFUSED: "Slack kept refusing.",
}
"""The reasons that a batch ended before its last token."""


def progress_screen(batch: Batch, left: int | None = None) -> Screen:
    """Return the screen for a batch's progress. `left` is the estimated number of seconds left, or None if short."""
    title, done, _ = _WORDS[batch.operation]
    count, total = len(batch.results), len(batch.items)
    filled = _BAR * count // total
    blocks: list[parts.Block] = [
        parts.paragraph(
            f"*{count:,} of {total:,} {done}*\n`{'█' * filled}{'░' * (_BAR - filled)}` {100 * count // total} %"
        ),
    ]
    if count:
        failed = sum(result.code is not None for result in batch.results)
        good, bad = ("work", "don't") if batch.operation is Operation.TEST else ("deleted", "failed")
        but = f"  ·  {Mark.FAILED} {failed:,} {bad}" if failed else ""
        blocks.append(parts.paragraph(f"{Mark.DONE} {count - failed:,} {good}{but}"))
    if left is not None:
        blocks.append(parts.paragraph(f"Done in about {parts.duration(left)}."))
    blocks.append(parts.actions(parts.button("Stop", STOP, batch.batch_id)))
    blocks.append(parts.small_print(_CLOSABLE))
    return Screen(title, f"{count:,} of {total:,} {done}", tuple(blocks))


def batch_screen(outcome: BatchOutcome, contact: str, note: str = "") -> Screen:
    """Return the screen for a batch's result, with the failures first and a fix for each kind of failure."""
    batch, is_test = outcome.batch, outcome.batch.operation is Operation.TEST
    succeeded: list[Item] = []
    failed: dict[str, list[Item]] = {}
    for item, result in zip(batch.items, batch.results, strict=False):
        if result.code is None:
            succeeded.append(item)
        else:
            failed.setdefault(result.code, []).append(item)
    title = f"{len(succeeded):,} of {len(batch.items):,} {'accounts work' if is_test else 'tokens deleted'}"
    mark = Mark.DONE if len(succeeded) == len(batch.items) else Mark.UNSURE
    blocks: list[parts.Block] = [parts.heading(mark, title)]
    blocks += [parts.paragraph(text) for text in (note, _ended_early(outcome, contact)) if text]
    blocks += _failures(batch, failed, contact)
    if succeeded:
        label = "Working" if is_test else "Deleted"
        blocks.append(named_tokens(f"{Mark.DONE} {label}: {len(succeeded):,}", succeeded))
    if succeeded and not is_test:
        blocks.append(
            parts.paragraph(
                "The providers weren't told. Copies of the tokens keep working until you revoke them there."
            )
        )
    if is_test and batch.results:
        blocks.append(parts.actions(parts.button("Export…", EXPORT, batch.batch_id)))
    elif not is_test and left_over(batch):
        label = "Retry failed…" if len(batch.results) == len(batch.items) else "Delete the rest…"
        blocks.append(parts.actions(parts.button(label, RETRY, batch.batch_id, "danger")))
    blocks.append(parts.small_print(f"Only you can see this. Reference {outcome.reference}"))
    return Screen(_WORDS[batch.operation][2], title, tuple(blocks), is_failure=not succeeded)


def no_accounts_screen(provider_key: str | TypedText | None, *, is_complete: bool) -> Screen:
    """Return the screen for a test that found no accounts, in a list that may not be complete."""
    title = explain_no_accounts(is_complete=is_complete)
    subject = mrkdwn.code(quote(provider_key)) if provider_key is not None else ""
    return Screen("Test results", title, (parts.heading(Mark.UNSURE, title, subject),), is_failure=True)


def no_such_account_screen(account: str | TypedText) -> Screen:
    """Return the screen for an account without tokens. `account` is the typed text, which may be a secret."""
    title = "Slack lists no tokens for this account"
    blocks = (
        parts.heading(Mark.FAILED, title),
        parts.plain_paragraph(str(account)),
        parts.paragraph(f"*What to do:* Check the spelling: `{COMMAND} list` shows the accounts."),
    )
    return Screen("No tokens", title, blocks, is_failure=True)


def recent_note(failed: Failed) -> str:
    """Return the note that only recently used tokens are tested, because Slack didn't list the accounts."""
    title = explain(failed.error.code, failed.request.operation).title
    return f"{title} ({mrkdwn.code(failed.error.code, 100)}). So these are the tokens you used lately."


def left_over(batch: Batch) -> Sequence[Item]:
    """Return the tokens that a batch should have deleted and that may still exist."""
    ended = zip(batch.items, batch.results, strict=False)
    gone = {item.token_id for item, result in ended if result.code in (None, "token_not_found")}
    return [item for item in batch.items if item.token_id not in gone]


def _ended_early(outcome: BatchOutcome, contact: str) -> str:
    left = len(outcome.batch.items) - len(outcome.batch.results)
    if outcome.ending is BatchEnding.NOT_RECORDED and not left:
        return "Extauth couldn't record the last one in its audit log yet."
    if not left:
        return ""
    because = _BECAUSE[outcome.ending]
    if isinstance(outcome.last, Denied):
        because = denied_because(outcome.last.decision, contact)
    doing = "tested" if outcome.batch.operation is Operation.TEST else "deleted"
    told = [because]
    if outcome.is_cut:
        told.append(f"1 more may have been {doing}.")
        left -= 1
    if left:
        told.append(f"{'1 more was' if left == 1 else f'{left:,} more were'}n't {doing}.")
    return " ".join(told)


def _failures(batch: Batch, failed: Mapping[str, Sequence[Item]], contact: str) -> list[parts.Block]:
    states = list(AccountState)
    codes = sorted(failed, key=lambda code: (states.index(state_of(code)), code))
    unsure = {result.code for result in batch.results if not result.is_sure}
    blocks: list[parts.Block] = []
    for code in codes[:MOST_GROUPS]:
        label = explain(code, batch.operation).title
        if batch.operation is Operation.TEST:
            label = STATES[state_of(code)]
        mark, note = Mark.FAILED, ""
        if code in unsure:
            mark, note = Mark.UNSURE, "*The deletion may still have gone through.* "
        blocks.append(named_tokens(f"{mark} {label}: {len(failed[code]):,}", failed[code]))
        blocks.append(parts.paragraph(f"{note}{fix(code, batch.operation, contact)}"))
    others = [item for code in codes[MOST_GROUPS:] for item in failed[code]]
    if others:
        blocks.append(named_tokens(f"{Mark.FAILED} Failed for other reasons: {len(others):,}", others))
        blocks.append(parts.paragraph(f"`{COMMAND} history ID` shows why."))
    return blocks


def fix(code: str, operation: Operation, contact: str) -> str:
    """Return the fix for an error and the person who can help, as mrkdwn."""
    explanation = explain(code, operation)
    # The result of a deletion already has this title as the heading above the fix.
    title = f"{explanation.title} ({mrkdwn.code(code, 100)}). " if operation is not Operation.DELETE else ""
    helper = contact if explanation.who is Who.OPERATOR else explanation.who.value
    who = "" if explanation.who in (Who.YOU, Who.SLACK) else f" *Who can help:* {helper}"
    return f"{title}*What to do:* {explanation.to_do}{who}"


def named_tokens(heading: str, items: Sequence[Item]) -> parts.Block:
    """Return a heading and a list of up to `MOST_ITEMS` tokens with account, provider, and ID. Others are counted."""
    lines: list[parts.Line] = []
    for item in items[:MOST_ITEMS]:
        known = [mrkdwn.clip(text, _LONGEST_NAME) for text in (item.account, item.provider_key) if text]
        before = [parts.literal(f"{' · '.join(known)} · ")] if known else []
        lines.append([*before, parts.literal(item.token_id, is_code=True)])
    left_out = len(items) - MOST_ITEMS
    if left_out > 0:
        lines.append([parts.literal(f"and {left_out:,} more")])
    return parts.bullets([parts.literal(heading, is_bold=True)], lines)


def stopping_workflows(batch: Batch) -> str:
    """Return the workflows that a deletion stops, as mrkdwn. It's empty if Slack doesn't name any."""
    workflows = sorted({name for item in batch.items for name in item.workflows})
    names = ", ".join(mrkdwn.code(name, _LONGEST_WORKFLOW) for name in workflows[:MOST_ITEMS])
    left_out = len(workflows) - MOST_ITEMS
    more = f" and {left_out:,} more" if left_out > 0 else ""
    return f"These workflows stop working until someone reconnects the accounts: {names}{more}" if workflows else ""
