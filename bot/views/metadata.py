"""A modal's memory from its opening to its submission: the place the person started from, and the request.

It travels in `private_metadata`, at most 3000 characters, and comes back from outside.
https://docs.slack.dev/reference/views/modal-views
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter

from bot.ids import TypedText
from bot.slack.external_auth.models import DeleteTokens


@dataclass(frozen=True, slots=True)
class Origin:
    """The place that a typed command or a click on a message came from.

    `response_url` posts there, until half an hour after `at` (seconds since the epoch, UTC). `is_message` says that it
    is a message's own URL, and that the answer replaces that message. `channel` is its channel, if Slack said so.
    """

    response_url: str
    at: float
    is_message: bool = False
    channel: str | None = None


class UnreadableMetadata(ValueError):
    """Metadata that Extauth didn't write, or wrote in an older version."""


@dataclass(frozen=True, slots=True)
class PendingDelete:
    """A deletion that waits for its confirmation.

    `shown` are its parameters: IDs in full, and only the quote of the `quoted` ones, which the person types again. A
    bulk deletion is confirmed by the first.
    """

    shown: Mapping[str, str]
    quoted: tuple[str, ...]

    @classmethod
    def of(cls, request: DeleteTokens) -> "PendingDelete":
        named = request.arguments()
        quoted = tuple(name for name, value in named.items() if isinstance(value, TypedText))
        return cls({name: str(value) for name, value in named.items()}, quoted)


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """A batch that waits for its confirmation, and its number of tokens."""

    batch_id: str
    count: int


@dataclass(frozen=True, slots=True)
class ModalState:
    """The contents of the metadata. `origin` is None if the person started from the shortcut or the App Home."""

    origin: Origin | None = None
    request: PendingDelete | None = None
    batch: PendingBatch | None = None


_REMEMBERED = TypeAdapter(ModalState)


def write(origin: Origin | None, request: PendingDelete | None = None, batch: PendingBatch | None = None) -> str:
    """Return the metadata that the submission will need."""
    return json.dumps(asdict(ModalState(origin, request, batch)), separators=(",", ":"))


def read(text: str) -> ModalState:
    """Parse a modal's metadata. Raises UnreadableMetadata."""
    try:
        found = _REMEMBERED.validate_json(text, strict=True)
        if found.request is not None:
            # The names must be those of a deletion, and together make one.
            typed_again = dict.fromkeys(found.request.quoted, "typed-again")
            DeleteTokens(**{**found.request.shown, **typed_again})
    except (ValueError, TypeError):
        raise UnreadableMetadata("The modal's metadata isn't this bot's.") from None
    return found
