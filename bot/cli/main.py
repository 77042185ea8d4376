"""`python -m bot`: the commands, each loaded only when it is used."""

import sys
from importlib import import_module
from io import TextIOWrapper

import click

from bot.cli.serve import serve
from bot.cli.shared import read_settings

_COMMANDS = {
    "audit": "bot.cli.audit:audit",
    "check": "bot.cli.check:check",
    "http": "bot.cli.serve:http",
    "sandbox": "bot.cli.sandbox:sandbox",
    "socket": "bot.cli.serve:socket",
}


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for: serving never loads the sandbox."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None when there is no such command."""
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command = getattr(import_module(module), name)
        return command if isinstance(command, click.Command) else None


def _print_anything() -> None:
    """Escape what the terminal's encoding lacks, instead of failing over it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """Extauth: Slack's external-auth tokens, by slash command and dialog.

    Without a command it serves: over Socket Mode when SLACK_APP_TOKEN is set, over HTTP when SLACK_SIGNING_SECRET is.
    """
    _print_anything()
    context.obj = read_settings
    if context.invoked_subcommand is None:
        serve(None)
