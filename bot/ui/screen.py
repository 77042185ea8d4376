"""One thing to show, as a message or as a modal."""

from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.slack.block_kit import as_json


@dataclass(frozen=True, slots=True)
class Screen:
    """What is shown, wherever it is shown.

    `title` heads it as a modal (24 characters at most); `text` is the notification, which reads alone and never
    holds anything secret. `is_failure` keeps it from replacing a message that is still useful. `modal_only` marks what
    shows a raw token: no message can be made of it.
    """

    title: str
    text: str
    blocks: tuple[Block, ...]
    is_failure: bool = False
    modal_only: bool = False


def as_message(screen: Screen) -> dict[str, Any]:
    """Return the `text` and `blocks` of a message. Raises ValueError for a screen that is for a modal only."""
    if screen.modal_only:
        raise ValueError("A screen that shows a token can't be a message.")
    return {"text": screen.text, "blocks": [as_json(block) for block in screen.blocks]}


def as_view(screen: Screen) -> View:
    """Return a modal that only shows."""
    return View(type="modal", title=screen.title, close="Close", blocks=list(screen.blocks))
