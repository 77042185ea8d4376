"""Which deletions need somebody else's approval. Pure."""

from enum import StrEnum

APPROVAL_SECONDS = 3600.0
"""How long somebody has to approve a deletion."""


class ApprovalPolicy(StrEnum):
    """What `EXTAUTH_DELETE_APPROVAL` can be."""

    OFF = "off"
    BULK = "bulk"
    ALL = "all"

    def covers(self, *, is_bulk: bool) -> bool:
        """Return whether a deletion needs approval. `is_bulk`: it can delete more than one token."""
        return self is ApprovalPolicy.ALL or (self is ApprovalPolicy.BULK and is_bulk)
