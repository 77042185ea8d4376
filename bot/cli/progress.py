"""How far long work has come: on standard error, and only where that is a terminal."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

_STEPS = 1000
"""How often the bar is drawn, at most: drawing it for each entry would take longer than the work."""


@contextmanager
def progress(label: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """Show a bar with the rate and the time remaining. Yields a function to tell how much is done."""
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
