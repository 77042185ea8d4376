"""What a person can do with the bot, one file each. To add a subcommand, add its file and its line here."""

from slack_bolt.async_app import AsyncApp

from bot.listeners import (
    approval,
    batch,
    cleanup,
    command,
    delete,
    errors,
    get,
    history,
    home,
    installed,
    menu,
    picker,
    retry,
    test,
)
from bot.listeners import help as help_listener
from bot.listeners import list as list_listener
from bot.listeners.runtime import Runtime

_SUBCOMMANDS = (get.LISTENER, delete.LISTENER, list_listener.LISTENER, test.LISTENER, history.LISTENER)
LISTENERS = (*_SUBCOMMANDS, help_listener.listener(_SUBCOMMANDS))


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Register every listener with the app."""
    command.register(app, runtime, LISTENERS)
    menu.register(app, runtime)
    picker.register(app, runtime)
    home.register(app, runtime)
    installed.register(app, runtime)
    retry.register(app, runtime)
    errors.register(app, runtime)
    approval.register(app, runtime)
    batch.register(app, runtime)
    cleanup.register(app, runtime)
    for listener in LISTENERS:
        listener.register(app, runtime)
