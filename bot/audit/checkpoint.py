"""Where a workspace's chain ended at a moment, signed. Kept elsewhere, it shows that an old copy was put back."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from bot.audit.keys import AuditKey, canonical, is_equal

_FORM = re.compile(
    r"extauth-checkpoint (?P<log_id>[0-9a-f]{1,32}) row=(?P<number>\d{1,18}) entries=(?P<entries>\d{1,18}) "
    r"at=(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) hash=(?P<hash>[0-9a-f]{64}) mac=(?P<mac>[0-9a-f]{64})",
    re.ASCII,
)


class BadCheckpoint(ValueError):
    """Text that isn't a checkpoint of this key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The chain's newest row and how many entries there had been. `at` is a time in UTC, as text."""

    log_id: str
    number: int
    entries: int
    hash: str
    at: str

    def write(self, key: AuditKey) -> str:
        """Return its one line."""
        return (
            f"extauth-checkpoint {self.log_id} row={self.number} entries={self.entries} at={self.at} hash={self.hash} "
            f"mac={self._mac(key)}"
        )

    @classmethod
    def read(cls, text: str, key: AuditKey) -> Sequence["Checkpoint"]:
        """Read all that are in a text. Raises BadCheckpoint where there is none, or one that isn't right."""
        found = [cls._matched(match, key) for match in _FORM.finditer(" ".join(text.split()))]
        if not found:
            raise BadCheckpoint("This is not a checkpoint: it starts with “extauth-checkpoint” and ends with its mac.")
        return found

    @classmethod
    def _matched(cls, match: re.Match[str], key: AuditKey) -> "Checkpoint":
        found = cls(match["log_id"], int(match["number"]), int(match["entries"]), match["hash"], match["at"])
        if not is_equal(match["mac"], found._mac(key)):
            raise BadCheckpoint("The checkpoint was altered, or made with another key.")
        return found

    def _mac(self, key: AuditKey) -> str:
        return key.of_checkpoint(canonical(asdict(self)))


def utc(seconds: float) -> str:
    """Return a time, given in seconds since the epoch, as text in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
