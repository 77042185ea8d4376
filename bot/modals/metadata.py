"""What a modal remembers between its opening and its submission: where the person started, and the request.

It travels in `private_metadata`, at most 3000 characters, and comes back from outside.
https://docs.slack.dev/reference/views/modal-views
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.ids import is_id, quote
from bot.slack.external_auth.models import DeleteTokens, InvalidParameter


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a typed command or a click on a message came from.

    `response_url` posts there, until half an hour after `at` (seconds since the epoch, UTC). `is_message` says that
    it is a message's own URL, and that the answer takes that message's place. `channel` is where that is, if Slack said
    so.
    """

    response_url: str
    at: float
    is_message: bool = False
    channel: str | None = None


class UnreadableMetadata(ValueError):
    """Metadata that this bot didn't write, or wrote in an older version."""


@dataclass(frozen=True, slots=True)
class PendingDelete:
    """A deletion that waits for its confirmation.

    `known` are its parameters that have the form of an ID. Of the others only the quote is kept, in `quoted`: the
    person types those again.
    """

    known: Mapping[str, str]
    quoted: Mapping[str, str]

    @classmethod
    def of(cls, request: DeleteTokens) -> "PendingDelete":
        """Take apart a request."""
        named = {name: str(value) for name, value in request.arguments().items()}
        known = {name: value for name, value in named.items() if is_id(value)}
        return cls(known, {name: quote(value) for name, value in named.items() if name not in known})

    @property
    def main(self) -> str:
        """The parameter that a bulk deletion is confirmed by."""
        names = {**self.known, **self.quoted}
        return next(name for name in ("external_token_id", "provider_key", "app_id") if name in names)

    @property
    def is_bulk(self) -> bool:
        """Whether more than one token can be deleted."""
        return self.main != "external_token_id"

    def shown(self, name: str) -> str:
        """Return what may be shown of a parameter."""
        return self.known.get(name) or self.quoted[name]


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """A batch that waits for its confirmation, and how many tokens are in it."""

    batch_id: str
    count: int


def read_batch(text: str) -> PendingBatch:
    """Read the batch that waits for its confirmation. Raises UnreadableMetadata."""
    found = _read(text).get("batch")
    if isinstance(found, dict):
        batch_id, count = found.get("batch_id"), found.get("count")
        if isinstance(batch_id, str) and type(count) is int:
            return PendingBatch(batch_id, count)
    raise UnreadableMetadata("The modal's batch is not one of this bot's.")


def write(origin: Origin | None, request: PendingDelete | None = None, batch: PendingBatch | None = None) -> str:
    """Write what the submission will need."""
    parts = {"origin": origin, "request": request, "batch": batch}
    noted = {name: asdict(part) if part is not None else None for name, part in parts.items()}
    return json.dumps(noted, separators=(",", ":"))


def read_origin(text: str) -> Origin | None:
    """Read where the person started; None for the shortcut and the App Home. Raises UnreadableMetadata."""
    origin = _read(text).get("origin")
    if origin is None:
        return None
    try:
        found = Origin(**origin)
    except TypeError:
        raise UnreadableMetadata("The modal's origin is not one of this bot's.") from None
    is_well_formed = isinstance(found.response_url, str) and isinstance(found.at, int | float)
    if not is_well_formed or not isinstance(found.channel, str | None):
        raise UnreadableMetadata("The modal's origin is not one of this bot's.")
    return found


def read_pending(text: str) -> PendingDelete:
    """Read the deletion that waits for its confirmation. Raises UnreadableMetadata."""
    found = _read(text).get("request")
    try:
        pending = PendingDelete(**found) if isinstance(found, dict) else None
        if pending is not None and _is_well_formed(pending):
            return pending
    except (InvalidParameter, TypeError):
        pending = None
    raise UnreadableMetadata("The modal's request is not one of this bot's.")


def _is_well_formed(pending: PendingDelete) -> bool:
    """Check the form: the names are those of a deletion, together make one, and the values are text."""
    if not isinstance(pending.known, dict) or not isinstance(pending.quoted, dict):
        return False
    DeleteTokens(**{**pending.known, **dict.fromkeys(pending.quoted, "typed-again")})
    return all(isinstance(value, str) for value in pending.quoted.values())


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UnreadableMetadata("The modal's metadata is not this bot's.")
    return found
