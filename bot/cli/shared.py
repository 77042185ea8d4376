"""Helpers for the commands that read settings, run work, and print errors as single lines."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from bot import logs
from bot.environment import UnreadableEnvFile, read_environment
from bot.server import StartError
from bot.settings import DatabaseSettings, SettingsError

BAD_SETTINGS = 2
AnySettings = TypeVar("AnySettings", bound=DatabaseSettings)


def load_settings(read: Callable[[Mapping[str, str]], AnySettings]) -> AnySettings:
    """Read the settings and start logging, or exit with a line for each mistake."""
    try:
        settings = read(read_environment(Path.cwd()))
    except SettingsError as error:
        fail(*error.mistakes, status=BAD_SETTINGS)
    except UnreadableEnvFile as error:
        fail(str(error), status=BAD_SETTINGS)
    logs.configure(settings.log_level, settings.log_format)
    return settings


def fail(*lines: str, status: int = 1) -> NoReturn:
    """Print each line to standard error, and exit."""
    for line in lines:
        click.echo(f"extauth: {line}", err=True)
    sys.exit(status)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a command's work, or exit with the reason in one line."""
    try:
        with asyncio.Runner(loop_factory=fastest_loop()) as runner:
            runner.run(work)
    except StartError as error:
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def fastest_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return a factory for uvloop's event loop, or for asyncio's if uvloop isn't installed."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and Ctrl-C set."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    return stop
