"""What a modal remembers between its opening and its submission: where the person started, and the request.

It travels in `private_metadata`, at most 3000 characters, and comes back from outside.
https://docs.slack.dev/reference/views/modal-views
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from bot.slack.external_auth.models import DeleteTokens, InvalidParameter


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a typed command or a click on a message came from.

    `response_url` posts there, until half an hour after `at` (seconds since the epoch, UTC). `is_message` says that
    it is a message's own URL, by which that message can be replaced.
    """

    response_url: str
    at: float
    is_message: bool = False


class UnreadableMetadata(ValueError):
    """Metadata that this bot didn't write, or wrote in an older version."""


def write(origin: Origin | None, request: DeleteTokens | None = None) -> str:
    """Write what the submission will need."""
    return json.dumps(
        {
            "origin": asdict(origin) if origin else None,
            "request": request.arguments() if request else None,
        },
        separators=(",", ":"),
    )


def read_origin(text: str) -> Origin | None:
    """Read where the person started; None for the shortcut and the App Home. Raises UnreadableMetadata."""
    origin = _read(text).get("origin")
    if origin is None:
        return None
    try:
        found = Origin(**origin)
    except TypeError:
        raise UnreadableMetadata("The modal's origin is not one of this bot's.") from None
    if not isinstance(found.response_url, str) or not isinstance(found.at, int | float):
        raise UnreadableMetadata("The modal's origin is not one of this bot's.")
    return found


def read_request(text: str) -> DeleteTokens:
    """Read the deletion that waits for its confirmation. Raises UnreadableMetadata."""
    try:
        return DeleteTokens(**_read(text)["request"])
    except (InvalidParameter, KeyError, TypeError):
        raise UnreadableMetadata("The modal's request is not one of this bot's.") from None


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UnreadableMetadata("The modal's metadata is not this bot's.")
    return found
