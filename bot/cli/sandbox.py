"""`python -m bot sandbox`: the only command that loads the sandbox."""

import asyncio
import sys
import webbrowser
from pathlib import Path

import click

from bot import logs
from bot.cli.shared import run, stop_signal
from bot.cli.terminal import Command
from bot.sandbox.prompt import prompting
from bot.sandbox.run import open_sandbox
from bot.sandbox.slack.seed_file import SeedError
from bot.sandbox.terminal import Terminal, read_lines
from bot.settings import Transport
from bot.tasks import Tasks


@click.command(cls=Command, examples=["", "--terminal", "--http --no-browser --port 4000", "--seed docs/seed.yml"])
@click.option("--http", "over_http", is_flag=True, help="Connect the bot over signed HTTP instead of Socket Mode.")
@click.option("--terminal", is_flag=True, help="Type here instead of in a browser.")
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
    over_http: bool, terminal: bool, port: int, no_browser: bool, seed_file: Path | None, accounts: int, log_level: str
) -> None:
    """Try Extauth in a simulated Slack.

    No workspace and no tokens needed. Nothing leaves this machine.
    """
    logs.configure(log_level.upper(), "text")
    transport: Transport = "http" if over_http else "socket"
    work = (
        _in_terminal(transport, seed_file, accounts)
        if terminal
        else _in_browser(transport, port, seed_file, accounts, opens=not no_browser)
    )
    try:
        run(work)
    except SeedError as error:
        click.echo(f"extauth: {error}", err=True)
        sys.exit(1)


async def _in_terminal(transport: Transport, seed_file: Path | None, accounts: int) -> None:
    tasks = Tasks()
    async with open_sandbox(transport, seed_file=seed_file, accounts=accounts, tasks=tasks) as slack:
        terminal = Terminal(slack, click.echo, tasks)
        if sys.stdin.isatty() and sys.stdout.isatty():
            with prompting(slack, terminal) as next_line:
                await terminal.run(next_line)
        else:
            await terminal.run(read_lines())


async def _in_browser(transport: Transport, port: int, seed_file: Path | None, accounts: int, *, opens: bool) -> None:
    stop = stop_signal()
    async with open_sandbox(transport, port=port, seed_file=seed_file, accounts=accounts) as slack:
        click.echo(f"Extauth's sandbox is at {slack.base_url}/ (press Ctrl-C to end it)")
        if opens:
            await asyncio.to_thread(webbrowser.open, f"{slack.base_url}/")
        await stop.wait()
