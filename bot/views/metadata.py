"""What a modal remembers between its opening and its submission: where the person started, and the request.

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

    `shown` are its parameters: those in the form of an ID, and of the `quoted` ones only the quote, so that the person
    types them again. The first is what a bulk deletion is confirmed by.
    """

    shown: Mapping[str, str]
    quoted: tuple[str, ...]

    @classmethod
    def of(cls, request: DeleteTokens) -> "PendingDelete":
        """Take apart a request."""
        named = request.arguments()
        quoted = tuple(name for name, value in named.items() if isinstance(value, TypedText))
        return cls({name: str(value) for name, value in named.items()}, quoted)


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """A batch that waits for its confirmation, and how many tokens are in it."""

    batch_id: str
    count: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a modal remembers: no `origin` where the person started from the shortcut or the App Home."""

    origin: Origin | None = None
    request: PendingDelete | None = None
    batch: PendingBatch | None = None


_REMEMBERED = TypeAdapter(Remembered)


def write(origin: Origin | None, request: PendingDelete | None = None, batch: PendingBatch | None = None) -> str:
    """Write what the submission will need."""
    return json.dumps(asdict(Remembered(origin, request, batch)), separators=(",", ":"))


def read(text: str) -> Remembered:
    """Read what a modal remembers. Raises UnreadableMetadata."""
    try:
        found = _REMEMBERED.validate_json(text, strict=True)
        if found.request is not None:
            # The names are those of a deletion, and together make one.
            typed_again = dict.fromkeys(found.request.quoted, "typed-again")
            DeleteTokens(**{**found.request.shown, **typed_again})
    except (ValueError, TypeError):
        raise UnreadableMetadata("The modal's metadata isn't this bot's.") from None
    return found
