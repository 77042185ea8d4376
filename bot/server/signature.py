"""Slack's signature over the raw bytes of a request.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
import re
from enum import Enum

from pydantic import SecretStr

MAX_AGE_SECONDS = 300
"""Slack's own advice: what is older may be a replay."""
_TIMESTAMP = re.compile(r"\d{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)


class Rejection(Enum):
    """Why a request isn't from Slack, as far as anyone can tell."""

    NOT_SIGNED = "not signed"
    BAD_SIGNATURE = "bad signature"
    TOO_OLD = "too old"


def check_signature(secret: SecretStr, timestamp: str, signature: str, body: bytes, now: float) -> Rejection | None:
    """Return why a request must be rejected, or None. `now` is in seconds since the epoch (UTC)."""
    if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        return Rejection.NOT_SIGNED
    signed = b"v0:" + timestamp.encode() + b":" + body
    expected = hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"v0={expected}", signature):
        return Rejection.BAD_SIGNATURE
    return Rejection.TOO_OLD if abs(now - int(timestamp)) > MAX_AGE_SECONDS else None
