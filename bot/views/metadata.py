"""The data that a modal keeps until its submission: the place where the person started, and the pending request.

Slack stores the data in `private_metadata`, up to 3000 characters, and returns it from outside, so `read` validates it.
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
    """The place of a typed command, or of a click on a message.

    `response_url` posts there until half an hour after `at` (seconds since the epoch, UTC). `is_message` is True if the
    URL belongs to a message that the reply can replace. `channel` is the channel's ID, if Slack sent it.
    """

    response_url: str
    at: float
    is_message: bool = False
    channel: str | None = None


class UnreadableMetadata(ValueError):
    """Metadata that this version of Extauth didn't write."""


@dataclass(frozen=True, slots=True)
class PendingDelete:
    """A deletion that waits for confirmation.

    `shown` are the parameters. An ID is complete, but a parameter in `quoted` is only a quote, so the person has to
    type it again. To confirm a bulk deletion, the person types the first parameter.
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
    """The ID of a batch that waits for confirmation, and its number of tokens."""

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
    """Return the metadata for a modal."""
    return json.dumps(asdict(ModalState(origin, request, batch)), separators=(",", ":"))


def read(text: str) -> ModalState:
    """Parse a modal's metadata. Raises UnreadableMetadata."""
    try:
        found = _REMEMBERED.validate_json(text, strict=True)
        if found.request is not None:
            # This raises an error unless the names are a deletion's parameters in a valid combination.
            typed_again = dict.fromkeys(found.request.quoted, "typed-again")
            DeleteTokens(**{**found.request.shown, **typed_again})
    except (ValueError, TypeError):
        raise UnreadableMetadata("The modal's metadata isn't this bot's.") from None
    return found
