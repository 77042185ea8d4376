"""The catalog of examples in the sandbox, each of which is a command that the page types for the person."""

from itertools import islice
from typing import Any

from bot.environment import COMMAND
from bot.explanations import KNOWN_CODES
from bot.listeners import LISTENERS
from bot.sandbox.slack.faults import TRANSPORT_FAULTS
from bot.sandbox.slack.state import State
from bot.views.buttons import Button

_MOST_TOKENS = 50
_OURS = {"http_error", "timeout", "connection_failed"}


def catalogue(state: State) -> dict[str, Any]:
    """Return the tokens, providers, broken responses, and error codes for the page's side panel."""
    codes = sorted(code for code in KNOWN_CODES - _OURS if not code.startswith("answer_"))
    return {
        "tokens": [
            {"id": token.token_id, "about": token.provider_key + (", expired" if token.is_expired else "")}
            for token in islice(state.tokens.values(), _MOST_TOKENS)
        ],
        "providers": sorted({token.provider_key for token in state.tokens.values()}),
        "faults": [{"id": f"EtErr.{name}", "about": about} for name, (about, _) in TRANSPORT_FAULTS.items()],
        "codes": [{"id": f"EtErr.{code}", "about": code} for code in [*codes, "a_code_nobody_knows"]],
    }


def completions() -> list[dict[str, str]]:
    """Return the suggestions that the composer shows after a person types a slash."""
    usages = [(COMMAND, "opens the dialog to choose what to do")]
    usages += [usage for listener in LISTENERS for usage in listener.subcommand.usages]
    return [{"usage": usage, "does": does} for usage, does in usages]


def buttons() -> dict[str, str]:
    """Return the IDs of a token's buttons, by which the guided tour finds the buttons."""
    return {"show": Button.SHOW.action_id, "refresh": Button.REFRESH.action_id, "delete": Button.DELETE.action_id}
