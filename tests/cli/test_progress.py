"""How far long work has come, as somebody sees it on a terminal."""

import re
import subprocess
import sys

import pytest

from tests.bot_process import ROOT
from tests.pseudo_terminal import on_a_terminal

WORK = """
import time
from bot.cli.progress import progress
with progress("Verifying", 100_000, "rows") as tell:
    for done in range(1, 100_001):
        if done in (20_000, 40_000):
            time.sleep(1.1)
        tell(done)
"""
VARIABLES = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}


@pytest.mark.slow
@pytest.mark.process
def test_the_rate_and_the_time_remaining_are_shown() -> None:
    shown = on_a_terminal([sys.executable, "-c", WORK], VARIABLES).split("\r")
    halfway = next(line for line in shown if " 40%" in line)
    assert re.search(r"Verifying  \[#+-+\]   40%  00:00:0\d  \d+,\d{3} rows/s", halfway), halfway
    assert re.search(r"\[#+\]  100%", shown[-1])
    assert len(shown) < 1100


@pytest.mark.process
def test_nothing_is_shown_where_nobody_looks() -> None:
    work = WORK.replace("time.sleep(1.1)", "pass")
    ran = subprocess.run([sys.executable, "-c", work], env=VARIABLES, capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")
