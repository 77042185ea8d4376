"""What `check` says about one thing."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check ended. What couldn't be asked is neither well nor wrong."""

    OK = "ok"
    PROBLEM = "problem"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: a sentence about it, and what to do where something is to be done."""

    subject: str
    status: Status
    says: str
    fix: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether it was checked and is well."""
        return self.status is Status.OK


def ok(subject: str, says: str, fix: str = "") -> Finding:
    """Return a finding about something that works."""
    return Finding(subject, Status.OK, says, fix)


def problem(subject: str, says: str, fix: str) -> Finding:
    """Return a finding about something that must be fixed."""
    return Finding(subject, Status.PROBLEM, says, fix)


def not_checked(subject: str, reason: str, fix: str = "") -> Finding:
    """Return a finding about something that couldn't be checked; `reason` completes “because …”."""
    return Finding(subject, Status.NOT_CHECKED, f"Because {reason}.", fix)
