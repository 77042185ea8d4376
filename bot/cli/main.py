"""`extauth`, whose commands are imported only when they are used."""

import gc
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from bot import __version__
from bot.cli.terminal import Group

_COMMANDS = {
    "audit": ("bot.cli.audit:audit", "Read, verify, search, and prune the audit log."),
    "check": ("bot.cli.check:check", "Check the setup and say how to fix what's wrong."),
    "http": ("bot.cli.serve:http", "Serve over HTTP."),
    "keys": ("bot.cli.keys:keys", "Make or change EXTAUTH_SECRET_KEY."),
    "manifest": ("bot.cli.manifest:manifest", "Print the app's manifest for Slack."),
    "sandbox": ("bot.cli.sandbox:sandbox", "Try Extauth in a simulated Slack."),
    "test": ("bot.cli.test:test", "Test all connected accounts, once."),
    "socket": ("bot.cli.serve:socket", "Serve over Socket Mode."),
}
"""The location of each command and its line in the help, so that the help doesn't have to import any command."""


class LazyGroup(Group):
    """A group that imports a command when it's used, so serving doesn't import the sandbox and `--help` nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or return None for an unknown name."""
        if cmd_name not in _COMMANDS:
            return None
        command = _load(_COMMANDS[cmd_name][0])
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])


def _load(place: str) -> Any:
    # Frequent collections would take a third of the CPU time of a burst, and find almost no garbage.
    gc.set_threshold(20_000, 10, 10)
    module, name = place.split(":")
    return getattr(import_module(module), name)


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=["check", "sandbox --port 4000", "manifest --link", "audit list --user U012ABCDEF"],
)
@click.version_option(__version__, prog_name="Extauth", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Extauth: fetch and delete Slack's external tokens, by slash command and dialog.

    Without a command, Extauth starts to serve: over Socket Mode if SLACK_APP_TOKEN is set, over HTTP if
    SLACK_SIGNING_SECRET is set.
    """
    # Without this, printing a character that the terminal's encoding lacks would raise an error.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get("NO_COLOR"):
        context.color = False
    if context.invoked_subcommand is None:
        _load("bot.cli.serve:serve")(None)
