"""`python -m bot sandbox --terminal` on a terminal: the prompt, editing, history, completion."""

import os
from collections.abc import Iterator

import pytest

from tests.pseudo_terminal import PseudoTerminal

SANDBOX = ["sandbox", "--terminal"]
UP, LEFT, DELETE, TAB, END_OF_INPUT, CTRL_C = "\x1b[A", "\x1b[D", "\x1b[3~", "\t", "\x04", "\x03"
PROMPT = "Ada (admin)>"
VARIABLES = {"PATH": "/usr/bin:/bin", "PROMPT_TOOLKIT_NO_CPR": "1"}


@pytest.fixture
def terminal() -> Iterator[PseudoTerminal]:
    with PseudoTerminal(SANDBOX, VARIABLES, columns=120) as opened:
        opened.until_at_cursor(PROMPT)
        yield opened


@pytest.mark.process
def test_a_command_is_completed_answered_and_recalled(terminal: PseudoTerminal) -> None:
    terminal.type(f"/ext{TAB}")
    terminal.until_at_cursor(f"{PROMPT} /extauth")
    terminal.type(f" g{TAB}")
    terminal.until_at_cursor(f"{PROMPT} /extauth get")
    terminal.type(f" EtGo{TAB}")
    terminal.until_at_cursor(f"{PROMPT} /extauth get EtGoogle000")
    terminal.until_on_screen(" EtGoogle0002 ")
    terminal.type("1\r")
    terminal.until_on_screen("[Show token] [Force refresh] [Delete…]")
    terminal.until_at_cursor(PROMPT)
    terminal.type(f"press S{TAB}")
    terminal.until_at_cursor(f"{PROMPT} press Show token")
    terminal.type("\r")
    terminal.until_on_screen("== External token ==")
    terminal.until_at_cursor(PROMPT)
    terminal.type(UP)
    terminal.until_at_cursor(f"{PROMPT} press Show token")
    terminal.type(UP)
    terminal.until_at_cursor(f"{PROMPT} /extauth get EtGoogle0001")


@pytest.mark.process
def test_a_line_can_be_edited_and_the_prompt_says_who_you_are(terminal: PseudoTerminal) -> None:
    terminal.type(f"as gst{LEFT}{LEFT}u")
    terminal.until_at_cursor(f"{PROMPT} as gust")
    terminal.type(f"{DELETE}e\r")
    terminal.until_on_screen("That didn't work: there's nobody called “guet”.")
    terminal.type("as gues\r")
    terminal.until_on_screen("You are Gus (guest).")
    terminal.until_at_cursor("Gus (guest)>")


@pytest.mark.process
@pytest.mark.parametrize(("keys", "status"), [(END_OF_INPUT, 0), ("quit\r", 0), (CTRL_C, 130)])
def test_it_ends_without_a_traceback(terminal: PseudoTerminal, keys: str, status: int) -> None:
    terminal.type(keys)
    assert "Traceback" not in terminal.until_over()
    assert terminal.process.returncode == status


@pytest.mark.process
def test_piped_lines_need_no_prompt() -> None:
    """Nothing of the prompt's is written where only the output is a terminal."""
    ours, theirs = os.pipe()
    os.write(theirs, b"people\nquit\n")
    os.close(theirs)
    with PseudoTerminal(SANDBOX, VARIABLES, stdin=ours) as terminal:
        shown = terminal.until_over()
    os.close(ours)
    assert "  Ada (admin)\r\n" in shown
    assert PROMPT not in shown
    assert "\x1b" not in shown
