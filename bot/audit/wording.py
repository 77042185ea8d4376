"""What was done, in a few words: `get EtX, refreshed`, `delete provider google`."""

from collections.abc import Mapping

from bot.actor import UNATTENDED, Unattended
from bot.slack import mrkdwn

_MAX_VALUE = 300
_KNOWN = ("user_id", "external_token_id", "provider_key", "app_id", "force_refresh")


def deed(action: str, parameters: Mapping[str, str | bool], outcome: str | None) -> str:
    """Return an entry's action with what it was about, as mrkdwn."""
    is_forced = parameters.get("force_refresh") is True
    verb = "get" if action == "refresh" else action
    how = "" if not is_forced else ", refreshed" if outcome in ("fetched", "withheld") else " with a refresh"
    return " ".join(filter(None, [mrkdwn.escape(verb, 40), about(parameters)])) + how


def doer(user_id: str | None) -> str:
    """Return who did it, as mrkdwn."""
    if user_id is None or user_id == Unattended.TERMINAL:
        return "from the command line"
    return "by itself" if user_id in UNATTENDED else f"<@{mrkdwn.escape(user_id, 40)}>"


def about(parameters: Mapping[str, str | bool]) -> str:
    """Return what parameters name, as mrkdwn: a token ID, a provider, an app, a person; empty for nothing."""
    named = {name: mrkdwn.code(str(value), _MAX_VALUE) for name, value in parameters.items()}
    said = [named["external_token_id"]] if "external_token_id" in named else []
    said += [f"provider {named['provider_key']}"] if "provider_key" in named else []
    said += [f"{'of ' if said else ''}app {named['app_id']}"] if "app_id" in named else []
    said += [f"{mrkdwn.escape(name, 40)} {value}" for name, value in named.items() if name not in _KNOWN]
    said += [f"by <@{mrkdwn.escape(str(parameters['user_id']), 40)}>"] if "user_id" in parameters else []
    return " ".join(said)
