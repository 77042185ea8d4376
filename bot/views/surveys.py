"""The message to the audit channel with the changes that a survey found."""

from collections.abc import Iterator, Sequence

from bot.environment import COMMAND
from bot.jobs.survey import Change, ChangedAccount, Survey
from bot.operation import Operation
from bot.slack import mrkdwn
from bot.slack.external_auth.accounts import AccountState
from bot.views.batches import STATES, fix
from bot.views.parts import Mark

MOST_NAMED = 10
"""Maximum number of accounts named for one reason."""
MOST_CHARACTERS = 3000
"""Maximum number of characters in a message to the audit channel, without its last lines."""
_LONGEST = 60
_HEADINGS = {
    Change.BROKE: (Mark.FAILED, "Stopped working"),
    Change.NEW: (Mark.FAILED, "New, and not working"),
    Change.MENDED: (Mark.DONE, "Working again"),
}


def survey_text(survey: Survey, contact: str) -> str:
    """Return the message, as mrkdwn, with changed accounts by token ID and the fixes. It has no account names."""
    lines = [f"*{_title(survey)}*"]
    if survey.refusal is None and survey.was_refused is not None:
        lines.append(f"{Mark.DONE} Slack lists the accounts again.")
    elif survey.refusal is not None and survey.refusal != survey.was_refused:
        lines.append(f"{Mark.FAILED} {fix(survey.refusal, Operation.LIST, contact)}")
    groups: dict[tuple[Change, str], list[ChangedAccount]] = {}
    for kind in Change:
        for one in survey.changes:
            if one.change is kind:
                groups.setdefault((kind, one.code or ""), []).append(one)
    left_out = 0
    for group in groups.values():
        told = "\n".join(_group(group, contact))
        if len("\n".join([*lines, told])) > MOST_CHARACTERS:
            left_out += len(group)
        else:
            lines.append(told)
    if left_out:
        lines.append(f"{left_out:,} more changed. `{COMMAND} test --all` shows everything.")
    return "\n".join([*lines, f"Reference {survey.reference}"])


def _title(survey: Survey) -> str:
    if survey.outcome is None:
        return "Extauth couldn't test the connected accounts" if survey.refusal else "Extauth tested connected accounts"
    batch = survey.outcome.batch
    tested, total = len(batch.results), len(batch.items)
    of = f" of {total:,}" if tested != total else ""
    return f"Extauth tested {tested:,}{of} connected account{'' if total == 1 else 's'}"


def _group(group: Sequence[ChangedAccount], contact: str) -> Iterator[str]:
    first = group[0]
    mark, heading = _HEADINGS[first.change]
    why = f"  {STATES[first.state]}" if first.state is not AccountState.WORKS else ""
    yield f"{mark} *{heading}: {len(group):,}*{why}"
    for one in group[:MOST_NAMED]:
        provider = f" · {mrkdwn.code(one.item.provider_key, _LONGEST)}" if one.item.provider_key else ""
        yield f"• {mrkdwn.code(one.item.token_id, _LONGEST)}{provider}"
    if len(group) > MOST_NAMED:
        yield f"• and {len(group) - MOST_NAMED:,} more"
    if first.code is not None:
        yield fix(first.code, Operation.TEST, contact)
