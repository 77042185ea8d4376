"""The findings of `check`."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The result of a check. A part of the setup that couldn't be checked is neither OK nor a problem."""

    OK = "ok"
    PROBLEM = "problem"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about one part of the setup, with the fix for a problem. Not every problem keeps Extauth from running.

    `can_run` is True if Extauth is of some use even before this is fixed.
    """

    subject: str
    status: Status
    says: str
    fix: str = ""
    can_run: bool = False


def ok(subject: str, says: str, fix: str = "") -> Finding:
    return Finding(subject, Status.OK, says, fix, can_run=True)


def problem(subject: str, says: str, fix: str, *, can_run: bool = False) -> Finding:
    return Finding(subject, Status.PROBLEM, says, fix, can_run)


def not_checked(subject: str, reason: str, fix: str = "") -> Finding:
    """Return a finding about a part that couldn't be checked. `reason` completes “because …”."""
    return Finding(subject, Status.NOT_CHECKED, f"Because {reason}.", fix)
