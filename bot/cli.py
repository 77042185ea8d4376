"""What is typed in a terminal. No logic: it reads settings, calls what does the work, and turns errors into lines."""

import asyncio
import signal
import sys
import webbrowser
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click

from bot import logs
from bot import settings as settings_module
from bot.cli_audit import audit
from bot.clock import SystemClock
from bot.doctor import examine
from bot.playground import playground
from bot.runners.serving import serve as serve_app
from bot.runners.start_error import StartError
from bot.sandbox.seed_file import SeedError
from bot.sandbox.terminal import Terminal
from bot.settings import Settings, SettingsError, Transport

BAD_SETTINGS = 2


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """Extauth: Slack's external-auth tokens, by slash command and dialog.

    Without a command it serves: over Socket Mode when SLACK_APP_TOKEN is set, over HTTP when SLACK_SIGNING_SECRET is.
    """
    context.obj = _settings
    if context.invoked_subcommand is None:
        _serve(None)


@main.command()
def socket() -> None:
    """Serve over Socket Mode (needs SLACK_APP_TOKEN)."""
    _serve("socket")


@main.command()
def http() -> None:
    """Serve over HTTP (needs SLACK_SIGNING_SECRET; listens on PORT)."""
    _serve("http")


@main.command()
def check() -> None:
    """Look at everything that can be wrong before the first command, and say how to mend it."""
    settings = _settings()
    _run(_examine(settings))


@main.command()
@click.option("--http", "over_http", is_flag=True, help="Reach the bot over signed HTTP instead of Socket Mode.")
@click.option("--terminal", is_flag=True, help="Type here instead of in a browser.")
@click.option("--port", default=3333, show_default=True, type=click.IntRange(0, 65535), help="The page's port.")
@click.option("--no-browser", is_flag=True, help="Only print the page's address.")
@click.option(
    "--seed",
    "seed_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A YAML file with people and tokens.",
)
@click.option("--log-level", default="ERROR", show_default=True, help="What the bot logs to standard error.")
def sandbox(
    over_http: bool, terminal: bool, port: int, no_browser: bool, seed_file: Path | None, log_level: str
) -> None:
    """Try the bot in a simulated Slack: no workspace, no tokens, nothing leaves this machine."""
    logs.configure(log_level.upper(), "text")
    transport: Transport = "http" if over_http else "socket"
    if terminal:
        _run(_in_the_terminal(transport, seed_file))
    else:
        _run(_in_the_browser(transport, port, seed_file, opens=not no_browser))


def _serve(wanted: Transport | None) -> None:
    settings = _settings()
    try:
        transport = settings_module.transport(settings, wanted)
    except SettingsError as error:
        _give_up(error.mistakes)
    _run(_until_signalled(settings, transport))


def _settings() -> Settings:
    try:
        settings = settings_module.read_environment(Path.cwd())
    except SettingsError as error:
        _give_up(error.mistakes)
    logs.configure(settings.log_level, settings.log_format)
    return settings


def _give_up(mistakes: list[str]) -> Any:
    for mistake in mistakes:
        click.echo(f"extauth: {mistake}", err=True)
    sys.exit(BAD_SETTINGS)


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except (StartError, SeedError) as error:
        click.echo(f"extauth: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


async def _examine(settings: Settings) -> None:
    is_well = True
    async for finding in examine(settings, SystemClock()):
        is_well = is_well and finding.is_well
        click.echo(f"{'ok  ' if finding.is_well else 'FAIL'}  {finding.subject}: {finding.says}")
        if finding.fix:
            click.echo(f"      {finding.fix}")
    if not is_well:
        sys.exit(1)


async def _in_the_terminal(transport: Transport, seed_file: Path | None) -> None:
    async with playground(transport, seed_file=seed_file) as slack:
        await Terminal(slack, click.echo).run()


async def _in_the_browser(transport: Transport, port: int, seed_file: Path | None, *, opens: bool) -> None:
    stop = _stop_signal()
    async with playground(transport, port=port, seed_file=seed_file) as slack:
        click.echo(f"Extauth's sandbox is at {slack.base_url}/ (Ctrl-C ends it)")
        if opens:
            await asyncio.to_thread(webbrowser.open, f"{slack.base_url}/")
        await stop.wait()


def _stop_signal() -> asyncio.Event:
    """Set by SIGTERM and Ctrl-C."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    return stop


async def _until_signalled(settings: Settings, transport: Transport) -> None:
    await serve_app(settings, transport, SystemClock(), _stop_signal())


main.add_command(audit)
