"""One thing to show, as a message or as a modal."""

from dataclasses import dataclass
from typing import Any

from slack_sdk.models.views import View

from bot.ui import parts
from bot.ui.parts import Block, Mark


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


def notice(
    label: str, title: str, said: str, fine_print: str = "", *, subject: str = "", mark: Mark = Mark.FAILED
) -> Screen:
    """Return a screen that says one thing. `label` heads it as a modal; `said` and `fine_print` are mrkdwn."""
    blocks = (
        parts.heading(mark, title, subject),
        parts.paragraph(said),
        *([parts.small_print(fine_print)] if fine_print else []),
    )
    return Screen(label, title, blocks, is_failure=mark is not Mark.DONE)


def failed_line(label: str, said: str) -> Screen:
    """Return a screen that says in one line what didn't work."""
    text = f"{Mark.FAILED} {said}"
    return Screen(label, text, (parts.paragraph(text),), is_failure=True)


def as_message(screen: Screen) -> dict[str, Any]:
    """Return the `text` and `blocks` of a message. Raises ValueError for a screen that is for a modal only."""
    if screen.modal_only:
        raise ValueError("A screen that shows a token can't be a message.")
    return {"text": screen.text, "blocks": list(screen.blocks)}


def as_view(screen: Screen) -> View:
    """Return a modal that only shows."""
    return View(type="modal", title=screen.title, close="Close", blocks=screen.blocks)
