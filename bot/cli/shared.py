"""Helpers for the commands: reading settings, running, and turning errors into lines."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NoReturn

import click

from bot import logs
from bot import settings as settings_module
from bot.server import StartError
from bot.settings import DatabaseSettings, Settings, SettingsError

log = logging.getLogger(__name__)

BAD_SETTINGS = 2


def load_settings() -> Settings:
    """Read the settings, or exit with a line for each mistake."""
    try:
        return settings_module.read_environment(Path.cwd())
    except SettingsError as error:
        exit_over_settings(error)


def read_settings() -> Settings:
    """Read the settings and start logging, or exit with a line for each mistake."""
    settings = load_settings()
    logs.configure(settings.log_level, settings.log_format)
    for warning in settings_module.warnings(settings):
        log.warning(warning)
    return settings


def read_database_settings() -> DatabaseSettings:
    """Read the database settings and start logging, or exit with a line for each mistake."""
    try:
        settings = settings_module.read_database(settings_module.environment(Path.cwd()))
    except SettingsError as error:
        exit_over_settings(error)
    logs.configure(settings.log_level, settings.log_format)
    return settings


def exit_over_settings(error: SettingsError) -> NoReturn:
    """Print each mistake in the settings, and exit."""
    for mistake in error.mistakes:
        click.echo(f"extauth: {mistake}", err=True)
    sys.exit(BAD_SETTINGS)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a command's work, or exit with the reason in one line."""
    try:
        with asyncio.Runner(loop_factory=fastest_loop()) as runner:
            runner.run(work)
    except StartError as error:
        click.echo(f"extauth: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def fastest_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return the factory of the commands' event loop: uvloop's, or asyncio's where uvloop isn't installed."""
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
