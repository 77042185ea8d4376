"""What a person can do with the bot, one file each. To add a subcommand, add its file and its line here."""

from slack_bolt.async_app import AsyncApp

from bot.features import command, delete, get, history, home, menu, mishaps, try_again
from bot.features import help as help_feature
from bot.features.runtime import Runtime

_DOING = (get.FEATURE, delete.FEATURE, history.FEATURE)
FEATURES = (*_DOING, help_feature.feature(_DOING))


def register(app: AsyncApp, runtime: Runtime) -> None:
    """Make the app listen for all of it."""
    command.register(app, runtime, FEATURES)
    menu.register(app, runtime)
    home.register(app, runtime)
    try_again.register(app, runtime)
    mishaps.register(app, runtime)
    for feature in FEATURES:
        feature.register(app, runtime)
