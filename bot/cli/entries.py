"""The options that filter the audit log's entries, and the table that shows them."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
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


def _id_of(
    form: re.Pattern[str], example: str, others: Collection[str] = ()
) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Return a check of an ID's form: a name would match no entry, as if nothing had been done."""

    def check(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
        if value is not None and value not in others and not form.fullmatch(value):
            raise click.BadParameter(f"“{quote(value)}” isn't an ID such as {example}.")
        return value

    return check


def _whole_in_the_log(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_id(value):
        raise click.BadParameter(f"“{quote(value)}” doesn't look like one.")
    return value


of_workspace = click.option(
    "--workspace", metavar="ID", callback=_id_of(TEAM_ID, "T012ABCDEF"), help="Only this workspace's entries."
)


def filtered(function: Any) -> Any:
    """Add the options that filter entries to a command."""
    options = (
        click.option(
            "--user",
            metavar="ID",
            callback=_id_of(USER_ID, "U012ABCDEF", UNATTENDED),
            help="Only this user's entries.",
        ),
        click.option(
            "--token-id", metavar="ID", callback=_whole_in_the_log, help="Only entries about this token, such as EtX."
        ),
        click.option(
            "--provider-key", metavar="KEY", callback=_whole_in_the_log, help="Only entries about this provider."
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
    for option in reversed(options):
        function = option(function)
    return function


def filters(
    user: str | None,
    token_id: str | None,
    provider_key: str | None,
    action: str | None,
    workspace: str | None,
    since: datetime | None,
) -> Filters:
    """Turn the values of those options into filters."""
    if token_id is not None and provider_key is not None:
        raise click.UsageError("Use --token-id or --provider-key: no entry has both.")
    at = since.replace(tzinfo=UTC).timestamp() if since is not None else None
    return Filters(
        user_id=user,
        action=action,
        team_id=workspace,
        external_token_id=token_id,
        provider_key=provider_key,
        since=at,
    )


def print_entries(entries: Sequence[Entry]) -> None:
    """Print one entry per line, in aligned columns."""
    # People type the parameters, so they come last, where their width moves nothing.
    lines = aligned([_HEADINGS, *map(_cells, entries)], _NUMBERS)
    for cells, entry in zip(lines, (None, *entries), strict=True):
        color = _COLORS.get(entry.outcome or _NO_RESULT) if entry is not None else None
        cells[_OUTCOME] = click.style(cells[_OUTCOME], fg=color)
        click.echo("  ".join(cells).rstrip())


def _cells(entry: Entry) -> tuple[str, ...]:
    code = f" ({entry.code})" if entry.code else ""
    return (
        str(entry.number),
        utc(entry.at),
        entry.team_id or "-",
        entry.user_id or "-",
        entry.action,
        f"{entry.outcome}{code}" if entry.outcome else _NO_RESULT,
        f"{entry.milliseconds:,} ms" if entry.milliseconds is not None else "-",
        entry.reference or "-",
        on_one_line(" ".join(f"{name}={value}" for name, value in entry.parameters.items())),
    )
