"""`python -m bot socket` and `python -m bot http`: serving."""

import click

from bot.cli.shared import exit_over_settings, read_settings, run, stop_signal
from bot.clock import SystemClock
from bot.server.lifecycle import serve as serve_app
from bot.settings import Settings, SettingsError, Transport
from bot.settings import transport as choose_transport


@click.command()
def socket() -> None:
    """Serve over Socket Mode (needs SLACK_APP_TOKEN)."""
    serve("socket")


@click.command()
def http() -> None:
    """Serve over HTTP (needs SLACK_SIGNING_SECRET; listens on PORT)."""
    serve("http")


def serve(wanted: Transport | None) -> None:
    """Serve as wanted, or as the settings tell, until SIGTERM or Ctrl-C."""
    settings = read_settings()
    try:
        transport = choose_transport(settings, wanted)
    except SettingsError as error:
        exit_over_settings(error)
    run(_until_signaled(settings, transport))


async def _until_signaled(settings: Settings, transport: Transport) -> None:
    await serve_app(settings, transport, SystemClock(), stop_signal())
