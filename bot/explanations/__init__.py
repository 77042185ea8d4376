"""Explanations in plain words, by Slack's error code and the operation that got it.

To add one, put an entry in the table it belongs to: `methods` (the codes of get, delete, and list), `common` (those of
every Slack method), `activity_log` (those of Slack's external authentication), `transport` (failures on the way).
"""

from bot.explanations import activity_log, common, methods, transport
from bot.explanations.explanation import Explanation, Table, Who
from bot.operation import Operation

__all__ = ["KNOWN_CODES", "Explanation", "Who", "explain"]

# Later tables win: the methods' own words are more precise.
_EXPLANATIONS: Table = {**transport.TABLE, **activity_log.TABLE, **common.TABLE, **methods.TABLE}
KNOWN_CODES = frozenset(code for code, _ in _EXPLANATIONS)

_UNKNOWN = Explanation(
    title="Slack returned an unknown error",
    happened="Extauth doesn't know this error code.",
    to_do="Look up the code on the method's page, linked below. If it isn't there, report the code and the reference.",
    who=Who.OPERATOR,
    retry=True,
)


_GENERAL = {operation.permission: operation for operation in reversed(Operation)}
"""The general operation of those with the same permission: the first one."""


def explain(code: str, operation: Operation) -> Explanation:
    """Return the explanation of `code` after `operation`; a general one for an unknown code."""
    return (
        _EXPLANATIONS.get((code, operation))
        or _EXPLANATIONS.get((code, _GENERAL[operation.permission]))
        or _EXPLANATIONS.get((code, None))
        or (methods.UNKNOWN_LISTING if operation is Operation.LIST else _UNKNOWN)
    )
