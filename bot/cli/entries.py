"""The options that filter the audit log's entries, and the table that shows the entries."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import click

from bot.actor import UNATTENDED
from bot.audit.chain import utc
from bot.audit.entries import Entry, Filters
from bot.cli.terminal import aligned
from bot.ids import TEAM_ID, USER_ID, is_id, quote
from bot.logs import on_one_line
from bot.operation import Operation

_HEADINGS = ("ENTRY", "TIME (UTC)", "WORKSPACE", "USER", "ACTION", "OUTCOME", "TOOK", "REFERENCE", "PARAMETERS")
_NUMBERS = {0, 6}
_OUTCOME = 5
_NO_RESULT = "NO RESULT"
_COLORS = {
    "fetched": "green",
    "deleted": "green",
    "pruned": "green",
    "denied": "red",
    "failed": "red",
    "interrupted": "yellow",
    "not done": "yellow",
    "withheld": "yellow",
    _NO_RESULT: "yellow",
}

ACTIONS = [*dict.fromkeys(operation.action for operation in Operation), "denied", "prune", "began"]


def _must(is_valid: Callable[[str], object], says: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Return a check of an option. Without it, a name in place of an ID would look like an ID without entries."""

    def check(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
        if value is not None and not is_valid(value):
            raise click.BadParameter(f"“{quote(value)}” {says}.")
        return value

    return check


of_workspace = click.option(
    "--workspace",
    metavar="ID",
    callback=_must(TEAM_ID.fullmatch, "isn't an ID such as T012ABCDEF"),
    help="Only this workspace's entries.",
)


_FILTERS = (
    click.option(
        "--user",
        metavar="ID",
        callback=_must(lambda value: value in UNATTENDED or USER_ID.fullmatch(value), "isn't an ID such as U012ABCDEF"),
        help="Only this user's entries.",
    ),
    click.option(
        "--token-id",
        metavar="ID",
        callback=_must(is_id, "doesn't look like one"),
        help="Only entries about this token, such as EtX.",
    ),
    click.option(
        "--provider-key",
        metavar="KEY",
        callback=_must(is_id, "doesn't look like one"),
        help="Only entries about this provider.",
    ),
    click.option(
        "--action",
        type=click.Choice(ACTIONS),
        metavar="ACTION",
        help=f"Only entries with this action: {', '.join(ACTIONS)}.",
    ),
    of_workspace,
    click.option(
        "--since",
        metavar="DATE",
        type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
        help="Only entries from this day or time on (UTC).",
    ),
)


def filtered(command: Callable[..., None]) -> Any:
    """Add the options that filter entries to a command, and pass their values as the command's parameter `chosen`."""

    @wraps(command)
    def with_filters(
        user: str | None,
        token_id: str | None,
        provider_key: str | None,
        action: str | None,
        workspace: str | None,
        since: datetime | None,
        **others: Any,
    ) -> None:
        if token_id is not None and provider_key is not None:
            raise click.UsageError("Use --token-id or --provider-key: no entry has both.")
        chosen = Filters(
            user_id=user,
            action=action,
            team_id=workspace,
            external_token_id=token_id,
            provider_key=provider_key,
            since=since.replace(tzinfo=UTC).timestamp() if since is not None else None,
        )
        command(chosen=chosen, **others)

    decorated: Any = with_filters
    for option in reversed(_FILTERS):
        decorated = option(decorated)
    return decorated


def print_entries(entries: Sequence[Entry]) -> None:
    """Print one entry per line, in aligned columns."""
    rows = [_HEADINGS]
    for entry in entries:
        code = f" ({entry.code})" if entry.code else ""
        rows.append(
            (
                str(entry.number),
                utc(entry.at),
                entry.team_id or "-",
                entry.user_id or "-",
                entry.action,
                f"{entry.outcome}{code}" if entry.outcome else _NO_RESULT,
                f"{entry.milliseconds:,} ms" if entry.milliseconds is not None else "-",
                entry.reference or "-",
                # Parameters vary in length, so they come last, where they don't widen a column.
                on_one_line(" ".join(f"{name}={value}" for name, value in entry.parameters.items())),
            )
        )
    for cells, shown in zip(aligned(rows, _NUMBERS), (None, *entries), strict=True):
        color = _COLORS.get(shown.outcome or _NO_RESULT) if shown is not None else None
        cells[_OUTCOME] = click.style(cells[_OUTCOME], fg=color)
        click.echo("  ".join(cells).rstrip())
