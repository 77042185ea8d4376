"""Block Kit as lines of plain text: what a person would read."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.slack import views
from bot.sandbox.slack.state import Message, OpenView

_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<[^|<>]*\|([^<>]*)>")
_MENTION = re.compile(r"<@([A-Z0-9]+)>")
_CODE = re.compile(r"`([^`\n]+)`")
_BOLD = re.compile(r"(?<!\w)\*([^*\n]+)\*(?!\w)")


def message_lines(message: Message) -> list[str]:
    """A message as its reader sees it."""
    return [line for block in message.blocks for line in block_lines(block)] or [message.text]


def dialog_lines(view: OpenView) -> list[str]:
    """A dialog with what is filled in, what is wrong, and its buttons."""
    content, filled = view.content, views.values(view)
    lines = [f"== {content['title']['text']} =="]
    if view.banner:
        lines.append(f"!! {view.banner}")
    for block in content["blocks"]:
        lines += block_lines(block, filled)
        error = view.errors.get(str(block.get("block_id")))
        if error:
            lines.append(f"  !! {error}")
    buttons = [content[name]["text"] for name in ("submit", "close") if name in content]
    return [*lines, " ".join(f"[{button}]" for button in buttons)]


def block_lines(block: Mapping[str, Any], filled: Mapping[str, Any] | None = None) -> Iterator[str]:
    """One block as lines."""
    kind = block["type"]
    if kind in {"section", "header"}:
        yield from plain(block["text"]).split("\n")
        if "accessory" in block:
            yield _drawn(block["accessory"])
    elif kind == "context":
        yield from (f"  {plain(element)}" for element in block["elements"])
    elif kind == "actions":
        yield " ".join(_drawn(element) for element in block["elements"])
    elif kind == "rich_text":
        for element in block["elements"]:
            yield from _rich_lines(element)
    elif kind == "input":
        yield from _input_lines(block, filled or {})
    else:
        yield "-" * 20


def _drawn(element: Mapping[str, Any]) -> str:
    if element["type"] == "overflow":
        return f"  ⋯ {' | '.join(option['text']['text'] for option in element['options'])}"
    return f"[{element['text']['text']}]"


def plain(text: Mapping[str, Any]) -> str:
    """A text object without its markup."""
    if text["type"] == "plain_text":
        return str(text["text"])
    found = _MENTION.sub(r"@\1", _LINK.sub(r"\1", _DATE.sub(r"\1", text["text"])))
    found = _CODE.sub(r"\1", _BOLD.sub(r"\1", found))
    return found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _rich_lines(element: Mapping[str, Any]) -> Iterator[str]:
    if element["type"] == "rich_text_list":
        for inner in element["elements"]:
            yield from (f"• {line}" for line in _rich_lines(inner))
    else:
        yield "".join(leaf["text"] for leaf in element["elements"])


def _input_lines(block: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[str]:
    element = block["element"]
    state = filled.get(str(block.get("block_id")), {}).get(element["action_id"]) or views.initial(element)
    optional = " (optional)" if block.get("optional") else ""
    yield f"{block['label']['text']}{optional}  «{block.get('block_id')}»"
    if element["type"] == "plain_text_input":
        yield f"  [{state.get('value') or ''}]"
    if element["type"] == "external_select":
        yield f"  [{((state.get('selected_option') or {}).get('text') or {}).get('text', '')}] ▾"
    if element["type"] in ("multi_users_select", "conversations_select"):
        yield f"  [{', '.join(state.get('selected_users') or filter(None, [state.get('selected_conversation')]))}] ▾"
    chosen = [option["value"] for option in state.get("selected_options") or [state.get("selected_option")] if option]
    for option in element.get("options", []):
        about = f": {option['description']['text']}" if "description" in option else ""
        mark = ("[{}]" if element["type"] == "checkboxes" else "({})").format("x" if option["value"] in chosen else " ")
        yield f"  {mark} {option['text']['text']}{about}  «{option['value']}»"
    if "hint" in block:
        yield f"  {block['hint']['text']}"
