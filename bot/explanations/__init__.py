"""Slack's error code and the operation that got it, to an explanation in plain words.

To add one, put an entry in the table it belongs to: `methods` (the codes of the two methods), `common` (those of
every Slack method), `activity_log` (those of Slack's external authentication), `transport` (failures on the way).
"""

from typing import assert_never

from bot.explanations import activity_log, common, methods, transport
from bot.explanations.explanation import Explanation, Table, Who
from bot.operation import Operation

__all__ = ["Explanation", "Who", "explain", "known_codes"]

# Later tables win: the methods' own words are the more precise ones.
_EXPLANATIONS: Table = {**transport.TABLE, **activity_log.TABLE, **common.TABLE, **methods.TABLE}

_UNKNOWN = Explanation(
    title="Slack refused, with a code this bot does not know",
    happened="Slack gave a reason that is not among those it documents for this method, so the bot cannot say what it "
    "means.",
    to_do="Look the code up on the method's page, linked below. If it is not there, send the code and the reference id "
    "to whoever runs this bot.",
    who=Who.OPERATOR,
    retry=True,
)


def explain(code: str, operation: Operation) -> Explanation:
    """Return the explanation of `code` after `operation`; an honest general one for an unknown code."""
    return (
        _EXPLANATIONS.get((code, operation))
        or _EXPLANATIONS.get((code, _general(operation)))
        or _EXPLANATIONS.get((code, None))
        or _UNKNOWN
    )


def _general(operation: Operation) -> Operation:
    """Return the plainer operation that this one is a kind of."""
    match operation:
        case Operation.SHOW | Operation.REFRESH:
            return Operation.GET
        case Operation.DELETE_MANY:
            return Operation.DELETE
        case Operation.GET | Operation.DELETE | Operation.HISTORY:
            return operation
        case _:
            assert_never(operation)


def known_codes() -> frozenset[str]:
    """Return every code that has an explanation of its own."""
    return frozenset(code for code, _ in _EXPLANATIONS)
