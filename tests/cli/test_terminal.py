"""How far long work has come, as somebody sees it on a terminal."""

import re
import time

import pytest

from bot.cli.terminal import progress
from tests.forked import run
from tests.pseudo_terminal import on_a_terminal

VARIABLES = {"PATH": "/usr/bin:/bin"}


def work(*pauses: str) -> None:
    """Go through a hundred thousand rows, with a pause of more than a second after some."""
    with progress("Verifying", 100_000, "rows") as tell:
        for done in range(1, 100_001):
            if str(done) in pauses:
                time.sleep(1.1)
            tell(done)


@pytest.mark.slow
@pytest.mark.process
def test_the_rate_and_the_time_remaining_are_shown() -> None:
    shown = on_a_terminal(["20000", "40000"], VARIABLES, program=work).split("\r")
    halfway = next(line for line in shown if " 40%" in line)
    assert re.search(r"Verifying  \[#+-+\]   40%  00:00:0\d  \d+,\d{3} rows/s", halfway), halfway
    assert re.search(r"\[#+\]  100%", shown[-1])
    assert len(shown) < 1100


@pytest.mark.process
def test_nothing_is_shown_where_nobody_looks() -> None:
    ran = run([], VARIABLES, program=work)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
