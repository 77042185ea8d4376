"""Lists of connected accounts: `/extauth list`, its pages, and the menu beside each account."""

import re
from functools import partial

from bot.audit.entries import ReadHistory
from bot.commands.subcommand import Option, OptionValues, Subcommand, UsageError
from bot.environment import COMMAND
from bot.listeners import flow, retry
from bot.listeners.interaction import Interaction
from bot.listeners.listener import Listener
from bot.listeners.replies import Replace
from bot.listeners.routes import Routes
from bot.operation import Permission
from bot.slack.external_auth.models import InvalidParameter, ListAccounts, TokenRequest
from bot.views.buttons import MENU, OPEN_LIST, Button, read_as, read_menu
from bot.views.tokens import NAMES

routes = Routes()
_DAYS = re.compile(r"(\d{1,4})d?", re.IGNORECASE | re.ASCII)
_PROVIDER = re.compile("|".join(NAMES), re.IGNORECASE)


def wanted(values: OptionValues) -> ListAccounts:
    """Return the request for the typed values. Raises UsageError."""
    named = {name: str(value) for name, value in values.items()}
    stale = _DAYS.fullmatch(named["stale"]) if "stale" in named else None
    if "stale" in named and stale is None:
        raise UsageError("--stale needs a number of days, such as 90d.", SUBCOMMAND.usage)
    try:
        return ListAccounts(
            named.get("provider_key"),
            named.get("app_id"),
            search=named.get("search"),
            account=named.get("account"),
            unused=values.get("unused") is True,
            stale_days=int(stale[1]) if stale is not None else None,
        )
    except InvalidParameter as error:
        raise UsageError.about(error, SUBCOMMAND) from None


SUBCOMMAND = Subcommand(
    name="list",
    usages=(
        (
            f"{COMMAND} list [WORD] [--provider-key KEY] [--account NAME] [--unused] [--stale DAYS] [--app-id APP]",
            "lists connected accounts, or finds some",
        ),
    ),
    wanted=wanted,
    options=(
        Option("provider_key", "lists only the accounts of a provider, such as google", form=_PROVIDER),
        Option("search", "finds accounts by a part of their name, provider, token ID, or workflow", repeats=True),
        Option("account", "finds all accounts of this name"),
        Option("unused", "finds accounts that no workflow uses", is_flag=True),
        Option("stale", "finds accounts whose token wasn't refreshed for so many days, such as 90d"),
        Option("app_id", "lists the accounts of another app"),
    ),
    argument="search",
    permission=Permission.LIST,
)


async def on_typed(interaction: Interaction, request: ListAccounts, _: OptionValues) -> None:
    await flow.run(interaction, request)


@routes.click(OPEN_LIST)
async def open_list(interaction: Interaction) -> None:
    """List all accounts in a modal."""
    await flow.run_in_modal(interaction, ListAccounts())


@routes.click(Button.OLDER.action_id, Button.NEWER.action_id, read=partial(read_as, ListAccounts))
async def turn_page(interaction: Interaction, request: ListAccounts) -> None:
    await flow.run(interaction, request)


# The list isn't replaced, because the person may want to choose another account from it.
@routes.click(MENU, read=read_menu, replace=Replace.NEVER)
async def choose(interaction: Interaction, request: TokenRequest | ReadHistory) -> None:
    """Run the choice from an account's menu."""
    if isinstance(request, ReadHistory):
        await flow.run(interaction, request)
    else:
        await retry.act(interaction, request)


LISTENER = Listener(SUBCOMMAND, on_typed)
