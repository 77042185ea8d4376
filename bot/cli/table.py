"""Entries of the audit log as a table for people."""

from collections.abc import Sequence

import click

from bot.audit.chain import utc
from bot.audit.entries import Entry
from bot.logs import on_one_line

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


def print_entries(entries: Sequence[Entry]) -> None:
    """Print entries one a line, in aligned columns."""
    rows = [_cells(entry) for entry in entries]
    # What somebody typed comes last, so that its width moves nothing.
    widths = [max(len(cells[column]) for cells in [_HEADINGS, *rows]) for column in range(len(_HEADINGS) - 1)]
    click.echo(_line(_HEADINGS, widths))
    for entry, cells in zip(entries, rows, strict=True):
        click.echo(_line(cells, widths, _COLORS.get(entry.outcome or _NO_RESULT)))


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


def _line(cells: Sequence[str], widths: Sequence[int], color: str | None = None) -> str:
    padded = [
        cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=False))
    ]
    padded[_OUTCOME] = click.style(padded[_OUTCOME], fg=color)
    return "  ".join([*padded, cells[-1]]).rstrip()
