"""What each code must be explained as, written down apart from the code that explains it.

`expected.json` has a row for each code and operation ("any" for those that don't matter): the title, who can fix it
(the name of a `Who`), and whether there is a *Try again* button.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from bot.operation import Operation, Permission

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "external-auth.json").read_text())
_ROWS = json.loads((Path(__file__).parent / "expected.json").read_text())

COMMON_CODES = [
    code
    for group in ("common_errors", "external_auth_log_errors", "cli_errors")
    for code in FACTS[group]
    if code[0] != "_"
]
GET_CODES = [*FACTS["methods"]["apps.auth.external.get"]["errors"], *COMMON_CODES]
DELETE_CODES = [*FACTS["methods"]["apps.auth.external.delete"]["errors"], *COMMON_CODES]
ALL_CODES = sorted(_ROWS)
UNKNOWN_TITLE = "Slack returned an unknown error"
"""The title after a code that has no row."""


@dataclass(frozen=True)
class Expected:
    title: str
    who: str
    retry: bool


def expected(code: str, operation: Operation) -> Expected:
    """The row of a code after an operation. Raises KeyError where there is none."""
    rows = _ROWS[code]
    method = operation.permission.value if operation.permission not in (Permission.SHOW, Permission.TEST) else "get"
    names = [operation.value, method, "any"]
    return Expected(*next(rows[name] for name in names if name in rows))


def title(code: str, operation: Operation) -> str:
    return expected(code, operation).title
