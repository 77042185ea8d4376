"""A search among visible blocks for the elements that a person clicks, chooses, or fills in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.sandbox.slack import views
from bot.sandbox.slack.state import OpenView

Blocks = Sequence[Mapping[str, Any]]
_SENT = ("action_id", "type", "text", "value", "style")


class NotThere(LookupError):
    """An element that a person can't click or fill in, because it isn't visible."""


def button(blocks: Blocks, label: str) -> dict[str, Any]:
    """Return Slack's payload for a button, found by its label. Raises NotThere."""
    for block in blocks:
        for element in _pressable(block):
            if element.get("type") == "button" and element["text"]["text"] == label:
                return sent(element)
    raise NotThere(f"no button “{label}”")


def menu_item(blocks: Blocks, row: str, label: str) -> dict[str, Any]:
    """Return Slack's payload for a menu item, found by its label. The menu is beside a text that contains `row`."""
    for block in blocks:
        for element in _pressable(block):
            if element.get("type") == "overflow" and row in block["text"]["text"]:
                for option in element["options"]:
                    if option["text"]["text"] == label:
                        return {**sent(element), "selected_option": option}
    raise NotThere(f"no menu with “{label}” beside “{row}”")


def sent(element: Mapping[str, Any]) -> dict[str, Any]:
    """Return Slack's payload for an element."""
    return {**{name: element[name] for name in _SENT if name in element}, "block_id": element.get("block_id", "b1")}


def state_of(element: Mapping[str, Any], value: Any, offered: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of a field with `value`. `offered` are the options that came while the person typed.

    Raises KeyError for an option that isn't there.
    """
    kind = element["type"]
    if kind == "plain_text_input":
        return {"type": kind, "value": value or None}
    if kind == "multi_users_select":
        return {"type": kind, "selected_users": [value] if isinstance(value, str) and value else list(value or [])}
    if kind == "conversations_select":
        return {"type": kind, "selected_conversation": value or None}
    initial = [element["initial_option"]] if "initial_option" in element else []
    options = {option["value"]: option for option in [*element.get("options", initial), *offered.values()]}
    if kind in {"external_select", "static_select"} and not value:
        return {"type": kind, "selected_option": None}
    if kind == "checkboxes":
        return {"type": kind, "selected_options": [options[one] for one in value]}
    return {"type": kind, "selected_option": options[value]}


def all_options(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the options in a response, in order, whether they are grouped or not."""
    groups = answer.get("option_groups") or [{"options": answer.get("options") or []}]
    return [option for group in groups for option in group["options"]]


def meant(options: Sequence[dict[str, Any]], text: str) -> dict[str, Any]:
    """Return the option that a person chooses after typing `text`, a match or the first one. Raises NotThere."""
    for option in options:
        if text in {option["value"], option["text"]["text"]}:
            return option
    if not options:
        raise NotThere(f"nothing in the list for “{text}”")
    return options[0]


def left_empty(view: OpenView) -> dict[str, str]:
    """Return the errors that Slack shows for required fields that are empty."""
    optional = {block.get("block_id") for block in view.content["blocks"] if block.get("optional")}
    errors = {}
    for block_id, filled in views.values(view).items():
        if block_id not in optional and not any(list(state.values())[1] for state in filled.values()):
            errors[block_id] = "Please complete this required field."
    return errors


def _pressable(block: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from block.get("elements", [])
    if "accessory" in block:
        yield block["accessory"]
