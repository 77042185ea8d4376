"""`extauth socket` and `extauth http`, the commands that serve."""

import gc
import logging
from functools import partial

import click

from bot.cli.shared import load_settings, run, stop_signal
from bot.cli.terminal import Command
from bot.clock import SystemClock
from bot.server.lifecycle import serve as serve_app
from bot.settings import Settings, Transport, read, warnings
from bot.settings import transport as choose_transport

log = logging.getLogger(__name__)


@click.command(cls=Command, examples=[""])
def socket() -> None:
    """Serve over Socket Mode.

    Needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN, from the environment or from .env. SIGTERM or Ctrl-C stops Extauth once
    it has answered what it has acknowledged.
    """
    serve("socket")


@click.command(cls=Command, examples=[""])
def http() -> None:
    """Serve over HTTP.

    Needs SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET, from the environment or from .env. Listens on HOST and PORT. SIGTERM
    or Ctrl-C stops Extauth once it has answered what it has acknowledged.
    """
    serve("http")


def serve(wanted: Transport | None) -> None:
    """Serve over the wanted transport, or over the one in the settings, until SIGTERM or Ctrl-C."""
    settings = load_settings(partial(read, need=wanted or "one"))
    for warning in warnings(settings):
        log.warning(warning)
    run(_until_signaled(settings, choose_transport(settings, wanted)))


async def _until_signaled(settings: Settings, transport: Transport) -> None:
    # Imported modules are never garbage, so the garbage collector doesn't need to scan them.
    gc.freeze()
    await serve_app(settings, transport, SystemClock(), stop_signal())
