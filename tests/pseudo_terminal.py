"""The bot as somebody sees it who runs it in a terminal."""

import codecs
import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

import pyte

from tests.forked import Forked, bot

DEADLINE_SECONDS = 60
_ROWS = 100


class PseudoTerminal:
    """Runs the bot, or another program, in a terminal so many columns wide. `written` is all that it has written there.

    Streams that are given go there instead of to the terminal.
    """

    def __init__(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        columns: int = 80,
        stdin: int | None = None,
        stdout: int | None = None,
        program: Callable[..., None] = bot,
    ) -> None:
        self.written = ""
        self._screen = pyte.Screen(columns, _ROWS)
        self._stream = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
        self.process = Forked(
            words,
            {"TERM": "xterm", **environment, "COLUMNS": str(columns)},
            [theirs if stdin is None else stdin, theirs if stdout is None else stdout, theirs],
            program=program,
        )
        os.close(theirs)

    def __enter__(self) -> "PseudoTerminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE_SECONDS)
        os.close(self._ours)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def until_on_screen(self, text: str) -> None:
        """Wait until a text is on the screen."""
        self._until(lambda: text in "\n".join(self._screen.display), text)

    def until_at_cursor(self, line: str) -> None:
        """Wait until the line that the cursor is in is this one."""
        self._until(lambda: self._screen.display[self._screen.cursor.y].rstrip() == line, line)

    def until_over(self) -> str:
        """Wait until the program has ended, and return what it has written."""
        end = time.monotonic() + DEADLINE_SECONDS
        while self._read(end):
            pass
        self.process.wait(DEADLINE_SECONDS)
        return self.written

    def _until(self, condition: Callable[[], bool], text: str) -> None:
        end = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            if not self._read(end):
                shown = "\n".join(line.rstrip() for line in self._screen.display)
                raise AssertionError(f"{text!r} is not on the screen:\n{shown.strip()}")

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(0, end - time.monotonic()))
        chunk = b""
        if ready:
            with contextlib.suppress(OSError):  # the program is gone
                chunk = os.read(self._ours, 65536)
        text = self._decoder.decode(chunk)
        self.written += text
        self._stream.feed(text)
        return bool(chunk)


def on_a_terminal(
    words: Sequence[str], environment: Mapping[str, str], columns: int = 80, program: Callable[..., None] = bot
) -> str:
    """Return what a program shows until it ends."""
    with PseudoTerminal(words, environment, columns, program=program) as terminal:
        return terminal.until_over().replace("\r\n", "\n")
