"""`python -m bot socket` and `python -m bot http`: serving."""

import asyncio
import gc
import sys

import click

from bot.cli.shared import exit_over_settings, read_settings, run, starting, stop_signal
from bot.cli.terminal import Command
from bot.clock import SystemClock
from bot.server.lifecycle import Receiver
from bot.server.lifecycle import serve as serve_app
from bot.settings import Settings, SettingsError, Transport
from bot.settings import transport as choose_transport

_COLLECTED_AFTER = (300_000, 20, 20)
"""How many new objects there are before a collection, and how many of these before one that also looks at older ones.
A thousand commands at once make so many, and none of them is garbage yet."""
_COLLECT_SECONDS = 10.0
"""How often garbage is looked for besides. It's only what failures leave: a command that goes well leaves none."""
_SWITCH_SECONDS = 0.00005
"""How long the event loop keeps Python's lock from a thread that wants it. The one that writes to SQLite wants it some
twenty times for each batch; with Python's own 5 ms, a busy loop would hold up its acknowledgements for a tenth of a
second."""


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

    Needs SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET, from the environment or from .env. Listens on HOST and PORT, in as
    many processes as WEB_CONCURRENCY says. SIGTERM or Ctrl-C stops Extauth once it has answered what it has
    acknowledged.
    """
    serve("http")


def serve(wanted: Transport | None) -> None:
    """Serve as wanted, or as the settings tell, until SIGTERM or Ctrl-C."""
    settings = read_settings()
    try:
        transport = choose_transport(settings, wanted)
    except SettingsError as error:
        exit_over_settings(error)
    if transport == "http" and settings.web_concurrency > 1:
        # One process does without gunicorn.
        from bot.server.prefork import serve_in_processes  # noqa: PLC0415

        with starting():
            serve_in_processes(settings, _settle_down)
    else:
        run(_until_signaled(settings, transport))


async def _until_signaled(settings: Settings, transport: Transport) -> None:
    await serve_app(settings, transport, SystemClock(), stop_signal(), on_ready=_settle_down)


def _settle_down(_: Receiver) -> None:
    """Tune Python for a server: its garbage collector, and how soon threads take turns.

    The garbage collector is spared what stays until the end: all that was built by now. By default it looks through the
    newest 700 objects again and again, which in a burst are all still in use; that took a twelfth of its CPU.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)
    sys.setswitchinterval(_SWITCH_SECONDS)
    _collect_regularly()


def _collect_regularly() -> None:
    gc.collect(1)
    asyncio.get_running_loop().call_later(_COLLECT_SECONDS, _collect_regularly)
