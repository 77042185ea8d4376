"""Helpers for a terminal, with examples in `--help`, aligned tables, and progress bars."""

import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

_STEPS = 1000
"""Maximum number of times to draw the bar, because drawing it for each entry would take longer than the work."""


class Command(click.Command):
    """A command whose help ends with `examples`, each the text to type after the command's name."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each example on its own line, after the name with which the program was started."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{ctx.command_path} {example}".rstrip() + "\n")


class Group(Command, click.Group):
    """A group whose help, like that of its commands, ends with examples."""

    command_class = Command


def counted(number: int, one: str, many: str) -> str:
    return f"1 {one}" if number == 1 else f"{number:,} {many}"


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> Iterator[list[str]]:
    """Pad each cell to its column's width, except in the last column. Columns in `right` are right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = [
            cell.rjust(width) if n in right else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield [*padded[:-1], row[-1]]


def read_secret(prompt: str) -> str:
    """Return a text that a person types unseen, or all of standard input if it isn't a terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.read()
    return str(click.prompt(prompt, hide_input=True, err=True, default="", show_default=False))


@contextmanager
def progress(label: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """Show a bar with the rate and the time remaining. Yields a function that takes the number of finished units.

    The bar appears on standard error, if standard error is a terminal.
    """
    if not total or not sys.stderr.isatty():
        yield lambda done: None
        return
    started = time.monotonic()

    def rate(_: object) -> str:
        return f"{bar.pos / max(time.monotonic() - started, 0.001):,.0f} {unit}/s" if bar.pos else ""

    def tell(done: int) -> None:
        if done - bar.pos >= max(1, total // _STEPS) or done == total:
            bar.update(done - bar.pos, done)

    bar = click.progressbar(length=total, label=label, file=sys.stderr, item_show_func=rate, width=24)
    with bar:
        yield tell
