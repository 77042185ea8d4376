"""`/extauth history`, which shows the audit log to people with permission to see it."""

import re

from bot.audit.entries import DEFAULT_HISTORY, MAX_HISTORY, ReadHistory
from bot.commands.subcommand import Option, OptionValues, Subcommand, UsageError
from bot.environment import COMMAND
from bot.ids import PROVIDER_NAME, TYPED_PERSON, USER_ID, quote, quote_word
from bot.listeners import flow
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener
from bot.listeners.routes import Routes
from bot.operation import Permission
from bot.slack.external_auth.models import InvalidParameter
from bot.views.buttons import OPEN_HISTORY
from bot.views.history import NEWER_BUTTON, OLDER_BUTTON, read_page

routes = Routes()
_NUMBER = re.compile(r"\d+", re.ASCII)


def wanted(values: OptionValues) -> ReadHistory:
    """Return the request for the typed values. Raises UsageError."""
    named = {name: str(value) for name, value in values.items()}
    count = _count(named.get("count", str(DEFAULT_HISTORY)))
    token_id, provider_key = named.get("external_token_id"), named.get("provider_key")
    if token_id is not None and provider_key is not None:
        raise UsageError("Use a token ID or a provider key. No entry has both.", SUBCOMMAND.usage)
    person = _person(named["user"]) if "user" in named else None
    try:
        return ReadHistory(count, person, token_id, provider_key)
    except InvalidParameter as error:
        raise UsageError.about(error, SUBCOMMAND) from None


def _count(text: str) -> int:
    if not (_NUMBER.fullmatch(text) and len(text) < 9 and 0 < int(text) <= MAX_HISTORY):
        raise UsageError(f"N must be a number from 1 to {MAX_HISTORY}, not “{quote_word(text)}”.", SUBCOMMAND.usage)
    return int(text)


def _person(word: str) -> str:
    """Return the user ID that Slack put in place of a name. Raises UsageError for a name that Slack didn't replace."""
    user_id = word.removeprefix("@")
    if not USER_ID.fullmatch(user_id):
        problem = (
            f"Slack didn't say who “@{quote(user_id)}” is. Type @ and pick the person from the list, or use their "
            "member ID, such as U012ABCDEF."
        )
        raise UsageError(problem, SUBCOMMAND.usage)
    return user_id


SUBCOMMAND = Subcommand(
    name="history",
    usages=(
        (
            f"{COMMAND} history [N] [ID | @PERSON] [--provider-key KEY]",
            f"shows the last N audit log entries, up to {MAX_HISTORY}",
        ),
    ),
    wanted=wanted,
    options=(
        Option("external_token_id", "shows only what was done with this token", refuses=PROVIDER_NAME),
        Option("user", "shows only what this person did", form=TYPED_PERSON),
        Option("provider_key", "shows only what was done with all of a provider's tokens"),
        Option("count", "says how many entries to show", form=_NUMBER),
    ),
    argument="external_token_id",
    permission=Permission.HISTORY,
)


async def on_typed(interaction: Interaction, request: ReadHistory, _: OptionValues) -> None:
    await flow.run(interaction, request)


@routes.click(OPEN_HISTORY)
async def open_history(interaction: Interaction) -> None:
    """Show the newest entries in a modal."""
    await flow.run_in_modal(interaction, ReadHistory(DEFAULT_HISTORY))


@routes.click(OLDER_BUTTON, NEWER_BUTTON, read=read_page)
async def turn_page(interaction: Interaction, request: ReadHistory) -> None:
    await flow.run(interaction, request)


LISTENER = Listener(SUBCOMMAND, on_typed)
