"""The listeners, in one file for each action that a person can take. A new subcommand needs a file and a line here."""

from slack_bolt.async_app import AsyncApp

from bot.listeners import (
    approval,
    batch,
    cleanup,
    command,
    connect,
    delete,
    errors,
    get,
    history,
    home,
    list_accounts,
    menu,
    picker,
    retry,
    settings,
    show_help,
    test_accounts,
    uninstalled,
)
from bot.workspaces.runtime import Shared

_MODULES = (
    approval,
    batch,
    cleanup,
    connect,
    delete,
    get,
    history,
    home,
    list_accounts,
    menu,
    picker,
    retry,
    settings,
    test_accounts,
)
_SUBCOMMANDS = (
    get.LISTENER,
    delete.LISTENER,
    list_accounts.LISTENER,
    test_accounts.LISTENER,
    connect.LISTENER,
    history.LISTENER,
)
LISTENERS = (*_SUBCOMMANDS, show_help.listener(_SUBCOMMANDS))


def register(app: AsyncApp, shared: Shared) -> None:
    command.register(app, LISTENERS)
    uninstalled.register(app, shared)
    errors.register(app, shared)
    for module in _MODULES:
        module.routes.register(app)
