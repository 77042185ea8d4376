"""Every sentence that people can read in Slack, in one place: python -m tests.words writes docs/words.md."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.views.parts import Screen, View
from tests.bot_process import ROOT
from tests.screens import CHAPTERS

PATH = ROOT / "docs" / "words.md"

Blocks = Sequence[Mapping[str, Any]]


def blocks_of(shown: Screen | View | Sequence[str]) -> Blocks:
    """Return the blocks of a section, after a line with a form's title and buttons."""
    if isinstance(shown, Screen):
        return shown.blocks
    if not isinstance(shown, dict):
        return [_line(text) for text in shown]
    if "title" not in shown:
        return list(shown["blocks"])
    frame = f"{shown['title']['text']}: [{shown['submit']['text']}] [{shown['close']['text']}]"
    return [_line(frame), *shown["blocks"]]


def _line(text: str) -> Mapping[str, Any]:
    return {"type": "section", "text": {"text": text}}


def texts(blocks: Blocks) -> Iterator[str]:
    """Yield what blocks say, as mrkdwn or plain text."""
    for block in blocks:
        match block["type"]:
            case "section":
                yield block["text"]["text"]
                if "accessory" in block:
                    yield " ".join(f"[{option['text']['text']}]" for option in block["accessory"]["options"])
            case "context":
                yield from (element["text"] for element in block["elements"])
            case "actions":
                yield " ".join(f"[{element['text']['text']}]" for element in block["elements"])
            case "rich_text":
                yield from _rich_texts(block["elements"])
            case "input":
                yield from _input_texts(block)
            case "divider":
                yield "---"
            case other:
                raise ValueError(f"Blocks of the type {other} aren't collected yet.")


def _rich_texts(elements: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for element in elements:
        if element["type"] == "rich_text_list":
            yield from (f"• {text}" for text in _rich_texts(element["elements"]))
        else:
            yield "".join(f"`{leaf['text']}`" if _is_code(leaf) else leaf["text"] for leaf in element["elements"])


def _is_code(leaf: Mapping[str, Any]) -> bool:
    return bool(leaf.get("style", {}).get("code"))


def _input_texts(block: Mapping[str, Any]) -> Iterator[str]:
    yield block["label"]["text"]
    for option in block["element"].get("options", []):
        yield f"( ) {option['text']['text']}"
        if "description" in option:
            yield option["description"]["text"]
    if "hint" in block:
        yield block["hint"]["text"]


@functools.cache
def document() -> str:
    """Return the whole document."""
    lines = [
        "# Everything Extauth says in Slack",
        "",
        "Written by `python -m tests.words`, for proofreading. A test keeps it current.",
    ]
    for chapter, sections in CHAPTERS.items():
        lines += ["", f"## {chapter}"]
        for heading, shown in sections():
            quoted = [
                f"> {line}" if line else ">" for text in texts(blocks_of(shown)) for line in [*text.split("\n"), ""]
            ]
            lines += ["", f"### {heading}", "", *quoted[:-1]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")
