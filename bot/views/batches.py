"""The progress and the result of a batch."""

from collections.abc import Mapping, Sequence

from bot.batch import Batch, Item
from bot.explanations import Explanation, Who, explain
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
"""The `action_id`s of a batch's buttons. Each carries the batch's ID."""
MOST_ITEMS = 20
"""Maximum number of tokens named in one list."""
MOST_GROUPS = 12
"""Maximum number of error codes explained: a message has no room for more. The others share one list."""
_BAR = 20
_LONGEST_NAME = 60
_LONGEST_WORKFLOW = 80
_CLOSABLE = "You can close this: the result will still reach you."
_WORDS = {
    Operation.TEST: ("Testing accounts", "tested", "Test results"),
    Operation.DELETE: ("Deleting tokens", "done", "Deletion results"),
}
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
"""Reasons that a batch ended before its last token."""


def progress_screen(batch: Batch, left: int | None = None) -> Screen:
    """Return the progress of a batch. `left` is about the number of seconds left, unless it's done soon."""
    title, done, _ = _WORDS[batch.operation]
    count, total = len(batch.results), len(batch.items)
    filled = _BAR * count // total
    blocks: list[parts.Block] = [
        parts.paragraph(
            f"*{count:,} of {total:,} {done}*\n`{'█' * filled}{'░' * (_BAR - filled)}` {100 * count // total} %"
        ),
    ]
    if count:
        blocks.append(parts.paragraph(_tally(batch)))
    if left is not None:
        blocks.append(parts.paragraph(f"Done in about {parts.duration(left)}."))
    blocks.append(parts.actions(parts.button("Stop", STOP, batch.batch_id)))
    blocks.append(parts.small_print(_CLOSABLE))
    return Screen(title, f"{count:,} of {total:,} {done}", tuple(blocks))


def stopping_screen(operation: Operation) -> Screen:
    """Return the screen for a batch that will stop. Only the process that runs it knows its progress."""
    text = "Stopping…"
    return Screen(_WORDS[operation][0], text, (parts.paragraph(text), parts.small_print(_CLOSABLE)))


def _tally(batch: Batch) -> str:
    succeeded = sum(result.code is None for result in batch.results)
    failed = len(batch.results) - succeeded
    good, bad = ("work", "don't") if batch.operation is Operation.TEST else ("deleted", "failed")
    return f"{Mark.DONE} {succeeded:,} {good}" + (f"  ·  {Mark.FAILED} {failed:,} {bad}" if failed else "")


def batch_screen(outcome: BatchOutcome, contact: str, note: str = "") -> Screen:
    """Return the result of a batch, the failures first, each with its fix."""
    batch = outcome.batch
    groups = _groups(batch)
    succeeded = len(groups.get(None, ()))
    is_whole = succeeded == len(batch.items)
    verb = "work" if batch.operation is Operation.TEST else "deleted"
    noun = "accounts" if batch.operation is Operation.TEST else "tokens"
    title = f"{succeeded:,} of {len(batch.items):,} {noun} {verb}"
    blocks: list[parts.Block] = [parts.heading(Mark.DONE if is_whole else Mark.UNSURE, title)]
    blocks += [parts.paragraph(text) for text in (note, _ended_early(outcome, contact)) if text]
    blocks += _failures(batch, groups, contact)
    if succeeded:
        label = "Working" if batch.operation is Operation.TEST else "Deleted"
        blocks.append(named_tokens(f"{Mark.DONE} {label}: {succeeded:,}", groups[None]))
    if batch.operation is Operation.DELETE and succeeded:
        blocks.append(
            parts.paragraph(
                "The providers weren't told. Copies of the tokens keep working until you revoke them there."
            )
        )
    blocks += _buttons(batch)
    blocks.append(parts.small_print(f"Only you can see this. Reference {outcome.reference}"))
    return Screen(_WORDS[batch.operation][2], title, tuple(blocks), is_failure=not succeeded)


def no_accounts_screen(provider_key: str | TypedText | None) -> Screen:
    """Return the screen for a test without accounts."""
    title = "Nobody has connected an account yet"
    subject = mrkdwn.code(quote(provider_key)) if provider_key is not None else ""
    return Screen("Test results", title, (parts.heading(Mark.UNSURE, title, subject),), is_failure=True)


def no_such_account_screen(account: str | TypedText) -> Screen:
    """Return the screen for an account without tokens. `account` is as typed, and may be a secret."""
    title = "Slack has no tokens of this account"
    blocks = (
        parts.heading(Mark.FAILED, title),
        parts.plain_paragraph(str(account)),
        parts.paragraph("*What to do:* Check the spelling: `/extauth list` shows the accounts."),
    )
    return Screen("No tokens", title, blocks, is_failure=True)


def recent_note(failed: Failed) -> str:
    """Return the reason that only some accounts are tested: Slack doesn't list them."""
    title = explain(failed.error.code, failed.request.operation).title
    return f"{title} ({mrkdwn.code(failed.error.code, 100)}). So these are the tokens you used lately."


def left_over(batch: Batch) -> Sequence[Item]:
    """Return the tokens that a batch should have deleted and that may still exist."""
    groups = _groups(batch)
    gone = {item.token_id for code in (None, "token_not_found") for item in groups.get(code, ())}
    return [item for item in batch.items if item.token_id not in gone]


def _groups(batch: Batch) -> Mapping[str | None, Sequence[Item]]:
    groups: dict[str | None, list[Item]] = {}
    for item, result in zip(batch.items, batch.results, strict=False):
        groups.setdefault(result.code, []).append(item)
    return groups


def _rank(group: tuple[str, Sequence[Item]]) -> tuple[int, str]:
    return list(AccountState).index(state_of(group[0])), group[0]


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


def _failures(batch: Batch, groups: Mapping[str | None, Sequence[Item]], contact: str) -> list[parts.Block]:
    failed = sorted(((code, items) for code, items in groups.items() if code is not None), key=_rank)
    unsure = {result.code for result in batch.results if not result.is_sure}
    blocks: list[parts.Block] = []
    for code, items in failed[:MOST_GROUPS]:
        blocks += _failed(batch.operation, code, items, contact, is_sure=code not in unsure)
    others = [item for _, items in failed[MOST_GROUPS:] for item in items]
    if others:
        blocks.append(named_tokens(f"{Mark.FAILED} Failed for other reasons: {len(others):,}", others))
        blocks.append(parts.paragraph("`/extauth history ID` shows why."))
    return blocks


def _failed(
    operation: Operation, code: str, items: Sequence[Item], contact: str, *, is_sure: bool
) -> list[parts.Block]:
    explanation = explain(code, operation)
    label = STATES[state_of(code)] if operation is Operation.TEST else explanation.title
    heading = f"{Mark.FAILED if is_sure else Mark.UNSURE} {label}: {len(items):,}"
    note = "" if is_sure else "*The deletion may still have gone through.* "
    return [named_tokens(heading, items), parts.paragraph(f"{note}{fix(explanation, contact, code, operation)}")]


def fix(explanation: Explanation, contact: str, code: str, operation: Operation) -> str:
    """Return the fix for an error, and the person who can help, as mrkdwn."""
    title = f"{explanation.title} ({mrkdwn.code(code, 100)}). " if operation is Operation.TEST else ""
    helper = contact if explanation.who is Who.OPERATOR else explanation.who.value
    who = "" if explanation.who in (Who.YOU, Who.SLACK) else f" *Who can help:* {helper}"
    return f"{title}*What to do:* {explanation.to_do}{who}"


def named_tokens(heading: str, items: Sequence[Item]) -> parts.Block:
    """Return a heading over a list of tokens with account, provider, and ID; past `MOST_ITEMS`, only a number."""
    lines = [_line(item) for item in items[:MOST_ITEMS]]
    left_out = len(items) - MOST_ITEMS
    if left_out > 0:
        lines.append([parts.literal(f"and {left_out:,} more")])
    return parts.bullets([parts.literal(heading, is_bold=True)], lines)


def stopping_workflows(batch: Batch) -> str:
    """Return the workflows that a deletion stops, as mrkdwn; empty if Slack names none."""
    workflows = sorted({name for item in batch.items for name in item.workflows})
    names = ", ".join(mrkdwn.code(name, _LONGEST_WORKFLOW) for name in workflows[:MOST_ITEMS])
    left_out = len(workflows) - MOST_ITEMS
    more = f" and {left_out:,} more" if left_out > 0 else ""
    return f"These workflows stop working until someone reconnects the accounts: {names}{more}" if workflows else ""


def _line(item: Item) -> parts.Line:
    known = [mrkdwn.clip(text, _LONGEST_NAME) for text in (item.account, item.provider_key) if text]
    before = [parts.literal(f"{' · '.join(known)} · ")] if known else []
    return [*before, parts.literal(item.token_id, is_code=True)]


def _buttons(batch: Batch) -> list[parts.Block]:
    if batch.operation is Operation.TEST:
        return [parts.actions(parts.button("Export…", EXPORT, batch.batch_id))] if batch.results else []
    if not left_over(batch):
        return []
    label = "Retry failed…" if len(batch.results) == len(batch.items) else "Delete the rest…"
    return [parts.actions(parts.button(label, RETRY, batch.batch_id, "danger"))]
