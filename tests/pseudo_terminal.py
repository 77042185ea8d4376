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

from tests.forked import Forked, bot

DEADLINE_SECONDS = 60
_ROWS = 100


class PseudoTerminal:
    """Runs the bot, or another program, in a terminal so many columns wide. `written` is all that it has written there.

    `stdout`, if given, goes there instead of to the terminal.
    """

    def __init__(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        columns: int = 80,
        stdout: int | None = None,
        program: Callable[..., None] = bot,
    ) -> None:
        self.written = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
        self.process = Forked(
            words,
            {"TERM": "xterm", **environment, "COLUMNS": str(columns)},
            [theirs, theirs if stdout is None else stdout, theirs],
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

    def until_over(self) -> str:
        """Wait until the program has ended, and return what it has written."""
        end = time.monotonic() + DEADLINE_SECONDS
        while self._read(end):
            pass
        self.process.wait(DEADLINE_SECONDS)
        return self.written

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(0, end - time.monotonic()))
        chunk = b""
        if ready:
            with contextlib.suppress(OSError):  # the program is gone
                chunk = os.read(self._ours, 65536)
        self.written += self._decoder.decode(chunk)
        return bool(chunk)


def on_a_terminal(
    words: Sequence[str], environment: Mapping[str, str], columns: int = 80, program: Callable[..., None] = bot
) -> str:
    """Return a program's output until it ends."""
    with PseudoTerminal(words, environment, columns, program=program) as terminal:
        return terminal.until_over().replace("\r\n", "\n")
