"""When the audit log was verified last, and what that found: noted in the database, signed, for who watches it."""

import re
from dataclasses import astuple, dataclass

from sqlalchemy import delete, insert, select

from bot.audit.keys import AuditKey, canonical, is_equal
from bot.storage.database import Transaction
from bot.storage.tables import installation_keys

_NAME = "verified"
_FORM = re.compile(r"(?P<at>\d{1,12}) (?P<rows>\d{1,18}) (?P<word>intact|altered) (?P<mac>[0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verified:
    """A verification: when (seconds since the epoch, UTC), how many rows were right, and whether all were."""

    at: int
    rows: int
    is_intact: bool

    def write(self, key: AuditKey) -> str:
        """Return the line that is kept."""
        word = "intact" if self.is_intact else "altered"
        return f"{self.at} {self.rows} {word} {key.of_verified(canonical(astuple(self)))}"

    @classmethod
    def read(cls, text: str, key: AuditKey) -> "Verified | None":
        """Read a line; None for one that wasn't written with the key."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        found = cls(int(match["at"]), int(match["rows"]), match["word"] == "intact")
        return found if is_equal(text, found.write(key)) else None


async def keep_verified(transaction: Transaction, key: AuditKey, verified: Verified) -> None:
    """Note a verification in place of the last one."""
    await transaction.execute(delete(installation_keys).where(installation_keys.c.name == _NAME))
    await transaction.execute(insert(installation_keys).values(name=_NAME, value=verified.write(key)))


async def last_verified(transaction: Transaction, key: AuditKey) -> Verified | None:
    """Return the last verification that was noted; None where there is none that can be trusted."""
    kept = select(installation_keys.c.value).where(installation_keys.c.name == _NAME)
    text = (await transaction.execute(kept)).scalar()
    return Verified.read(str(text), key) if text is not None else None
