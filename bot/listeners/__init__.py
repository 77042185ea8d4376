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
    menu,
    picker,
    retry,
    settings,
    test,
    uninstalled,
)
from bot.listeners import help as help_listener
from bot.listeners import list as list_listener
from bot.workspaces.runtime import Shared

_SUBCOMMANDS = (get.LISTENER, delete.LISTENER, list_listener.LISTENER, test.LISTENER, history.LISTENER)
LISTENERS = (*_SUBCOMMANDS, help_listener.listener(_SUBCOMMANDS))


def register(app: AsyncApp, shared: Shared) -> None:
    """Register every listener with the app. Each gets the runtime of its request's workspace from Bolt's context."""
    command.register(app, LISTENERS)
    menu.register(app)
    picker.register(app)
    home.register(app)
    uninstalled.register(app, shared)
    retry.register(app)
    errors.register(app, shared)
    approval.register(app)
    batch.register(app)
    cleanup.register(app)
    settings.register(app)
    for listener in LISTENERS:
        listener.register(app)
