"""Dialogs in the simulated Slack, with the methods that open and change them, and the values that a person fills in."""

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.slack.block_kit import view_complaints
from bot.sandbox.slack.state import APP_ID, TEAM_ID, TRIGGER_SECONDS, OpenView, State

Element = Mapping[str, Any]


def open_view(state: State, arguments: Mapping[str, Any], *, push: bool = False) -> dict[str, Any]:
    """Implement views.open, and views.push if `push` is True."""
    content = _content(arguments)
    complaints = view_complaints(content)
    trigger = state.triggers.get(str(arguments.get("trigger_id")))
    if trigger is None:
        return {"ok": False, "error": "invalid_trigger_id"}
    if state.clock.now() - trigger.at > TRIGGER_SECONDS:
        return {"ok": False, "error": "expired_trigger_id"}
    if trigger.is_used:
        return {"ok": False, "error": "exchanged_trigger_id"}
    if complaints:
        return _invalid(complaints)
    trigger.is_used = True
    below = state.views.get(trigger.user_id, []) if push else []
    view = OpenView(f"V{state.number():08d}", trigger.user_id, content, secrets.token_hex(6))
    state.views[trigger.user_id] = [*below, view]
    state.changed()
    return {"ok": True, "view": view_object(view)}


def publish_view(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Implement https://docs.slack.dev/reference/methods/views.publish for the App Home of one person."""
    content, user_id = _content(arguments), str(arguments.get("user_id"))
    before = state.homes.get(user_id)
    if arguments.get("hash") not in (None, before.hash if before is not None else None):
        return {"ok": False, "error": "hash_conflict"}
    complaints = view_complaints(content) or ([] if content["type"] == "home" else ["view is not a home"])
    if complaints:
        return _invalid(complaints)
    state.homes[user_id] = OpenView(f"V{state.number():08d}", user_id, content, secrets.token_hex(6))
    state.changed()
    return {"ok": True, "view": view_object(state.homes[user_id])}


def update_view(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Implement https://docs.slack.dev/reference/methods/views.update"""
    view = state.view(str(arguments.get("view_id")))
    if view is None:
        return {"ok": False, "error": "not_found"}
    if arguments.get("hash") not in (None, view.hash):
        return {"ok": False, "error": "hash_conflict"}
    content = _content(arguments)
    complaints = view_complaints(content)
    if complaints:
        return _invalid(complaints)
    replace(state, view, content)
    return {"ok": True, "view": view_object(view)}


def replace(state: State, view: OpenView, content: dict[str, Any]) -> None:
    """Replace the content of an open dialog. Fields that are also in the new content keep their values."""
    kept = {(block_id, action_id) for block_id, action_id, _ in inputs(content)}
    view.filled = {
        block_id: {action_id: value for action_id, value in filled.items() if (block_id, action_id) in kept}
        for block_id, filled in view.filled.items()
    }
    view.content, view.hash, view.errors, view.banner = content, secrets.token_hex(6), {}, None
    state.changed()


def view_object(view: OpenView) -> dict[str, Any]:
    """Return a dialog in the form that payloads and responses contain."""
    return {
        "callback_id": "",
        "private_metadata": "",
        **view.content,
        "id": view.view_id,
        "team_id": TEAM_ID,
        "app_id": APP_ID,
        "hash": view.hash,
        "state": {"values": values(view)},
    }


def values(view: OpenView) -> dict[str, dict[str, Any]]:
    """Return `state.values`, which are the values that the person filled in, or else the initial ones."""
    found: dict[str, dict[str, Any]] = {}
    for block_id, action_id, element in inputs(view.content):
        filled = view.filled.get(block_id, {}).get(action_id)
        found.setdefault(block_id, {})[action_id] = filled if filled is not None else initial(element)
    return found


def inputs(content: Mapping[str, Any]) -> Iterator[tuple[str, str, Element]]:
    """Yield the block ID, the action ID, and the element of every field in a view."""
    for block in content["blocks"]:
        if block["type"] == "input":
            yield str(block.get("block_id")), str(block["element"]["action_id"]), block["element"]


def initial(element: Element) -> dict[str, Any]:
    """Return the state of an untouched field."""
    kind = element["type"]
    if kind == "plain_text_input":
        return {"type": kind, "value": element.get("initial_value")}
    if kind == "checkboxes":
        return {"type": kind, "selected_options": element.get("initial_options", [])}
    if kind == "multi_users_select":
        return {"type": kind, "selected_users": element.get("initial_users", [])}
    if kind == "conversations_select":
        return {"type": kind, "selected_conversation": element.get("initial_conversation")}
    return {"type": kind, "selected_option": element.get("initial_option")}


def _content(arguments: Mapping[str, Any]) -> dict[str, Any]:
    view = arguments.get("view")
    if isinstance(view, str):
        try:
            view = json.loads(view)
        except ValueError:
            view = None
    return view if isinstance(view, dict) else {}


def _invalid(complaints: list[str]) -> dict[str, Any]:
    messages = [f"[ERROR] {complaint}" for complaint in complaints]
    return {"ok": False, "error": "invalid_arguments", "response_metadata": {"messages": messages}}
