"""Explanations in plain words, by Slack's error code and the operation that got it.

To add an explanation, put an entry into one of the tables: `methods` (codes of get, delete, and list), `common` (codes
of every Slack method), `activity_log` (codes of Slack's external authentication), `transport` (failed transmissions).
"""

from bot.explanations import activity_log, common, methods, transport
from bot.explanations.explanation import Explanation, Table, Who
from bot.operation import Operation

__all__ = ["KNOWN_CODES", "Explanation", "Who", "explain", "explain_no_accounts"]

# The methods' own explanations are the most precise, so their table comes last and overrides the others.
_EXPLANATIONS: Table = {**transport.TABLE, **activity_log.TABLE, **common.TABLE, **methods.TABLE}
KNOWN_CODES = frozenset(code for code, _ in _EXPLANATIONS)

_UNKNOWN = Explanation(
    title="Slack returned an unknown error",
    happened="Extauth doesn't know this error code.",
    to_do="Look up the code on the method's page, linked below. If it isn't there, report the code and the reference.",
    who=Who.OPERATOR,
    retry=True,
)


_GENERAL = {
    **dict.fromkeys((Operation.SHOW, Operation.REFRESH, Operation.TEST), Operation.GET),
    Operation.DELETE_MANY: Operation.DELETE,
}
"""The operation whose explanations also apply to another one, because both call the same method."""


def explain(code: str, operation: Operation) -> Explanation:
    """Return the explanation of `code` after `operation`, or a general explanation for an unknown code."""
    return (
        _EXPLANATIONS.get((code, operation))
        or _EXPLANATIONS.get((code, _GENERAL.get(operation)))
        or _EXPLANATIONS.get((code, None))
        or (methods.UNKNOWN_LISTING if operation in (Operation.LIST, Operation.CONNECT) else _UNKNOWN)
    )


def explain_no_accounts(*, is_complete: bool) -> str:
    """Return the meaning of a list without accounts. If it isn't complete, there may still be some."""
    return "Nobody has connected an account yet" if is_complete else "Slack doesn't say which accounts are connected"
