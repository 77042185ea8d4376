"""`extauth sandbox`, the only command that imports the sandbox."""

import asyncio
import os
import platform
import sys
import webbrowser
from pathlib import Path

import click

from bot import logs
from bot.cli.shared import fail, run, stop_signal
from bot.cli.terminal import Command
from bot.sandbox.run import open_sandbox
from bot.sandbox.slack.seed_file import SeedError
from bot.settings import Transport

_BROWSER_VARIABLES = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


@click.command(cls=Command, examples=["", "--http --no-browser --port 4000", "--seed docs/seed.yml"])
@click.option("--http", "over_http", is_flag=True, help="Connect the bot over signed HTTP instead of Socket Mode.")
@click.option(
    "--port", default=3333, show_default=True, type=click.IntRange(0, 65535), metavar="PORT", help="The page's port."
)
@click.option("--no-browser", is_flag=True, help="Only print the page's address.")
@click.option(
    "--seed",
    "seed_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A YAML file with people and tokens.",
)
@click.option(
    "--accounts",
    default=0,
    type=click.IntRange(0, 100_000),
    metavar="COUNT",
    help="Connect so many more accounts, for a long list.",
)
@click.option(
    "--log-level",
    default="error",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    help="What the bot logs to standard error.",
)
def sandbox(
    over_http: bool, port: int, no_browser: bool, seed_file: Path | None, accounts: int, log_level: str
) -> None:
    """Try Extauth in a simulated Slack.

    No workspace and no tokens needed. Nothing leaves this machine.
    """
    logs.configure(log_level.upper(), "text")
    transport: Transport = "http" if over_http else "socket"
    try:
        run(_serve(transport, port, seed_file, accounts, opens=not no_browser))
    except SeedError as error:
        fail(str(error))


async def _serve(transport: Transport, port: int, seed_file: Path | None, accounts: int, *, opens: bool) -> None:
    stop = stop_signal()
    async with open_sandbox(transport, port=port, seed_file=seed_file, accounts=accounts) as slack:
        click.echo(f"Extauth's sandbox is at {slack.base_url}/ (press Ctrl-C to end it)")
        # Without a display, Python may open a text browser, which can't show the page.
        has_display = sys.platform in ("darwin", "win32") or any(map(os.environ.get, _BROWSER_VARIABLES))
        if opens and has_display:
            await asyncio.to_thread(webbrowser.open, f"{slack.base_url}/")
        elif opens:
            at = slack.base_url.removeprefix("http://")
            click.echo(f"From your own machine, first: ssh -N -L {at.rpartition(':')[2]}:{at} {platform.node()}")
        await stop.wait()
