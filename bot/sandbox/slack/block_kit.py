"""Block Kit's limits, as Slack enforces them. Each check returns complaints, or none if Slack would accept the content.

https://docs.slack.dev/reference/block-kit
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

MOST_BLOCKS = {"message": 50, "modal": 100, "home": 100}
LONGEST_MESSAGE_TEXT = 40_000
MOST_OPTIONS = 100
LEAST_QUERY = 3
"""The minimum number of typed characters before Slack asks for options, unless the element says otherwise."""
_VIEW_LIMITS = {"callback_id": 255, "private_metadata": 3000, "external_id": 255}
_TITLE_LIMITS = {"title": 24, "submit": 24, "close": 24}


def view_complaints(view: Any) -> list[str]:
    """Return Slack's complaints about a view."""
    if not isinstance(view, Mapping) or view.get("type") not in {"modal", "home"}:
        return ["view is not a modal or home"]
    found = [f"{name} too long" for name, most in _VIEW_LIMITS.items() if len(str(view.get(name) or "")) > most]
    if view["type"] == "modal":
        if "title" not in view:
            found.append("title missing")
        for name, most in _TITLE_LIMITS.items():
            if name in view:
                found += list(_text(view[name], name, most, kinds=("plain_text",)))
        has_inputs = any(block.get("type") == "input" for block in view.get("blocks") or [])
        if has_inputs and "submit" not in view:
            found.append("submit is needed where there are inputs")
    return found + blocks_complaints(view.get("blocks"), view["type"])


def message_complaints(message: Mapping[str, Any]) -> list[str]:
    """Return Slack's complaints about a message."""
    text, blocks = message.get("text"), message.get("blocks")
    if not text and not blocks:
        return ["no_text"]
    found = ["text too long"] if len(text or "") > LONGEST_MESSAGE_TEXT else []
    return found + (blocks_complaints(blocks, "message") if blocks else [])


def blocks_complaints(blocks: Any, surface: str) -> list[str]:
    """Return Slack's complaints about a list of blocks."""
    if not isinstance(blocks, list) or not blocks:
        return ["blocks missing"]
    found = [f"more than {MOST_BLOCKS[surface]} blocks"] if len(blocks) > MOST_BLOCKS[surface] else []
    ids = [block.get("block_id") for block in blocks if isinstance(block, Mapping) and block.get("block_id")]
    if len(ids) != len(set(ids)):
        found.append("a block_id stands twice")
    for index, block in enumerate(blocks):
        found += [f"/blocks/{index}: {complaint}" for complaint in _block(block, surface)]
    return found


def _block(block: Any, surface: str) -> Iterator[str]:
    if not isinstance(block, Mapping) or block.get("type") not in _BLOCKS:
        yield f"unsupported block {block.get('type') if isinstance(block, Mapping) else block!r}"
        return
    if len(str(block.get("block_id") or "")) > 255:
        yield "block_id too long"
    if block["type"] == "input" and surface == "message":
        yield "inputs are not for ephemeral messages"
    yield from _BLOCKS[block["type"]](block)


def _text(text: Any, where: str, most: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    if not isinstance(text, Mapping) or text.get("type") not in kinds:
        yield f"{where} must be one of {kinds}"
        return
    value = text.get("text")
    if not isinstance(value, str) or not 0 < len(value) <= most:
        yield f"{where} must have 1 to {most} characters"


def _section(block: Mapping[str, Any]) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield "section without text"
    if "text" in block:
        yield from _text(block["text"], "text", 3000)
    fields = block.get("fields") or []
    if len(fields) > 10:
        yield "more than 10 fields"
    for field in fields:
        yield from _text(field, "field", 2000)
    if "accessory" in block:
        yield from _element(block["accessory"])


def _context(block: Mapping[str, Any]) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 0 < len(elements) <= 10:
        yield "context must have 1 to 10 elements"
    for element in elements:
        yield from _text(element, "context text", 2000)


def _actions(block: Mapping[str, Any]) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 0 < len(elements) <= 25:
        yield "actions must have 1 to 25 elements"
    ids = [element.get("action_id") for element in elements]
    if len(ids) != len(set(ids)):
        yield "an action_id stands twice"
    for element in elements:
        yield from _element(element)


def _input(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _text(block.get("label"), "label", 2000, ("plain_text",))
    if "hint" in block:
        yield from _text(block["hint"], "hint", 2000, ("plain_text",))
    yield from _element(block.get("element"))


def _header(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _text(block.get("text"), "header", 150, ("plain_text",))


def _rich_text(block: Mapping[str, Any]) -> Iterator[str]:
    if not block.get("elements"):
        yield "rich_text without elements"
    for element in block.get("elements") or []:
        yield from _rich_element(element)


def _rich_element(element: Mapping[str, Any]) -> Iterator[str]:
    kind = element.get("type")
    if kind == "rich_text_list":
        for inner in element.get("elements") or []:
            yield from _rich_element(inner)
    elif kind in {"rich_text_section", "rich_text_preformatted", "rich_text_quote"}:
        for leaf in element.get("elements") or []:
            if leaf.get("type") != "text" or not isinstance(leaf.get("text"), str) or not leaf["text"]:
                yield "a rich text leaf must be text that is not empty"
    else:
        yield f"unsupported rich text {kind!r}"


def _element(element: Any) -> Iterator[str]:
    kind = element.get("type") if isinstance(element, Mapping) else None
    if kind not in _ELEMENTS:
        yield f"unsupported element {kind!r}"
        return
    if not 0 < len(str(element.get("action_id") or "")) <= 255:
        yield "action_id must have 1 to 255 characters"
    yield from _ELEMENTS[kind](element)


def _button(element: Mapping[str, Any]) -> Iterator[str]:
    yield from _text(element.get("text"), "button text", 75, ("plain_text",))
    if len(str(element.get("value") or "")) > 2000:
        yield "button value too long"
    if len(str(element.get("accessibility_label") or "")) > 75:
        yield "accessibility_label too long"
    if element.get("style") not in {None, "primary", "danger"}:
        yield "unknown button style"
    if len(str(element.get("url") or "")) > 3000:
        yield "button url too long"


def _text_input(element: Mapping[str, Any]) -> Iterator[str]:
    yield from _placeholder(element)
    if not 0 < int(element.get("max_length") or 3000) <= 3000:
        yield "max_length must be 1 to 3000"
    if element.get("initial_value") == "":
        yield "initial_value must not be empty"
    if len(str(element.get("initial_value") or "")) > int(element.get("max_length") or 3000):
        yield "initial_value too long"


def _overflow(element: Mapping[str, Any]) -> Iterator[str]:
    options = element.get("options") or []
    if not 0 < len(options) <= 5:
        yield "must have 1 to 5 options"
    for option in options:
        yield from _option(option, ("plain_text",))


def options_complaints(answer: Any) -> list[str]:
    """Return Slack's complaints about the options of an `external_select`.

    https://docs.slack.dev/reference/block-kit/composition-objects/option-group-object
    """
    if not isinstance(answer, Mapping) or ("options" in answer) == ("option_groups" in answer):
        return ["must have options or option_groups"]
    if "options" in answer:
        return list(_listed(answer["options"]))
    groups = answer["option_groups"]
    if not isinstance(groups, list) or not 0 < len(groups) <= MOST_OPTIONS:
        return [f"must have 1 to {MOST_OPTIONS} groups"]
    found = []
    for group in groups:
        found += list(_text(group.get("label"), "group label", 75, ("plain_text",)))
        found += ["a group without options"] if not group.get("options") else _listed(group["options"])
    return found


def _listed(options: Any) -> Iterator[str]:
    if not isinstance(options, list) or len(options) > MOST_OPTIONS:
        yield f"must have at most {MOST_OPTIONS} options"
        return
    for option in options:
        yield from _option(option, ("plain_text",))


def _external_select(element: Mapping[str, Any]) -> Iterator[str]:
    yield from _placeholder(element)
    if not 0 <= int(element.get("min_query_length", LEAST_QUERY)) <= 3000:
        yield "min_query_length must be 0 to 3000"
    if "initial_option" in element:
        yield from _option(element["initial_option"], ("plain_text",))


def _static_select(element: Mapping[str, Any]) -> Iterator[str]:
    yield from _placeholder(element)
    options = element.get("options") or []
    if not options:
        yield "must have 1 to 100 options"
    yield from _listed(options)
    if "initial_option" in element and element["initial_option"] not in options:
        yield "initial options must be among the options"


def _users_select(element: Mapping[str, Any]) -> Iterator[str]:
    yield from _placeholder(element)
    chosen = element.get("initial_users", ["U0"])
    if not isinstance(chosen, list) or not chosen:
        yield "initial_users must not be empty"


def _conversations_select(element: Mapping[str, Any]) -> Iterator[str]:
    yield from _placeholder(element)
    kinds = (element.get("filter") or {}).get("include", ["public"])
    if not kinds or not set(kinds) <= {"im", "mpim", "private", "public"}:
        yield "unknown kinds of conversations"


def _placeholder(element: Mapping[str, Any]) -> Iterator[str]:
    if "placeholder" in element:
        yield from _text(element["placeholder"], "placeholder", 150, ("plain_text",))


def _option(option: Mapping[str, Any], kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    yield from _text(option.get("text"), "option text", 75, kinds)
    if "description" in option:
        yield from _text(option["description"], "option description", 75)
    if not 0 < len(str(option.get("value") or "")) <= 150:
        yield "option value must have 1 to 150 characters"


def _options(element: Mapping[str, Any]) -> Iterator[str]:
    options = element.get("options") or []
    if not 0 < len(options) <= 10:
        yield "must have 1 to 10 options"
    for option in options:
        yield from _option(option)
    chosen = [element["initial_option"]] if "initial_option" in element else element.get("initial_options", [None])
    if not chosen or any(option is not None and option not in options for option in chosen):
        yield "initial options must be among the options"


_Check = Callable[[Mapping[str, Any]], Iterator[str]]
_BLOCKS: dict[str, _Check] = {
    "section": _section,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "header": _header,
    "rich_text": _rich_text,
    "divider": lambda _: iter(()),
}
_ELEMENTS: dict[str, _Check] = {
    "button": _button,
    "overflow": _overflow,
    "plain_text_input": _text_input,
    "checkboxes": _options,
    "radio_buttons": _options,
    "external_select": _external_select,
    "static_select": _static_select,
    "multi_users_select": _users_select,
    "conversations_select": _conversations_select,
}
