"""Commands of the bot as processes, forked from one that has imported the bot already.

`python -m bot …` spends a second on imports before it does anything. A fork is at once where that process would be
then, with its own standard streams, session, working folder, environment, signals and exit status.
"""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from bot.cli.main import main

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        *(f"bot.cli.{command}" for command in ("audit", "check", "sandbox", "serve", "test")),
        *("bot.storage.postgresql", "bot.storage.sqlite"),
    ]
)


def bot(*words: str) -> None:
    """Do what `python -m bot` does with these words."""
    main(words, prog_name="python -m bot")


class Forked:
    """A process that runs a program with these words from now on."""

    def __init__(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        streams: Sequence[int],
        program: Callable[..., None] = bot,
    ) -> None:
        """Start it with these descriptors as its standard streams."""
        theirs = [Connection(os.dup(stream)) for stream in streams]
        self._process = _CONTEXT.Process(
            target=_run, args=(program, [*words], {**environment}, Path.cwd(), theirs), daemon=True
        )
        self._process.start()
        for stream in theirs:
            stream.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status once it has ended; after a signal, the signal's number below zero."""
        return self._process.exitcode

    def send_signal(self, signum: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, signum)

    def wait(self, seconds: float) -> int:
        """Wait for its end, and return its exit status. Kills it after so many seconds."""
        self._process.join(seconds)
        if self.returncode is None:
            self.send_signal(signal.SIGKILL)
            self._process.join()
            raise TimeoutError
        assert self.returncode is not None
        return self.returncode

    async def ended(self) -> int:
        """Wait for its end, and return its exit status."""
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_reader(self._process.sentinel, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        return self.wait(0)


def run(
    words: Sequence[str], environment: Mapping[str, str], typed: str = "", program: Callable[..., None] = bot
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end with what is typed, and return what it wrote."""
    with tempfile.TemporaryFile("w+") as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(typed)
        stdin.seek(0)
        process = Forked(words, environment, [stdin.fileno(), stdout.fileno(), stderr.fileno()], program=program)
        status = process.wait(120)
        written = [os.pread(stream.fileno(), os.fstat(stream.fileno()).st_size, 0) for stream in (stdout, stderr)]
    return subprocess.CompletedProcess([*words], status, *(text.decode() for text in written))


def _run(
    program: Callable[..., None],
    words: list[str],
    environment: dict[str, str],
    folder: Path,
    streams: list[Connection],
) -> None:
    """Be what a new process is at its program's first line."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin, sys.stdout = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    program(*words)
