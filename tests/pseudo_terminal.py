"""A program as somebody sees it who runs it in a terminal."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

DEADLINE_SECONDS = 120


class PseudoTerminal:
    """Runs a program in a terminal of a given size. `shown` is all that it has written there.

    Streams that are given go there instead of to the terminal.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        columns: int = 80,
        stdin: int | None = None,
        stdout: int | None = None,
    ) -> None:
        self.shown = ""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            env={"TERM": "xterm", **environment, "COLUMNS": str(columns)},
            stdin=theirs if stdin is None else stdin,
            stdout=theirs if stdout is None else stdout,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> "PseudoTerminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def until_shown(self, text: str) -> str:
        """Wait until a text is shown, and return all that is shown from then on, beginning with it."""
        end = time.monotonic() + DEADLINE_SECONDS
        while text not in self.shown:
            if not self._read(end):
                raise AssertionError(f"{text!r} was never shown:\n{self.shown}")
        _, self.shown = self.shown.split(text, 1)
        return text + self.shown

    def until_over(self) -> str:
        """Wait until the program has ended, and return what it has shown."""
        end = time.monotonic() + DEADLINE_SECONDS
        while self._read(end):
            pass
        self.process.wait(timeout=DEADLINE_SECONDS)
        return self.shown

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(0, end - time.monotonic()))
        chunk = b""
        if ready:
            with contextlib.suppress(OSError):  # the program is gone
                chunk = os.read(self._ours, 65536)
        self.shown += chunk.decode(errors="replace")
        return bool(chunk)


def on_a_terminal(command: Sequence[str], environment: Mapping[str, str], columns: int = 80) -> str:
    """Return what a program shows until it ends."""
    with PseudoTerminal(command, environment, columns) as terminal:
        return terminal.until_over().replace("\r\n", "\n")
