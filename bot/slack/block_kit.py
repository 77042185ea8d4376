"""Block Kit objects to JSON: validated just as slack_sdk does it, several times as fast.

For each object, `to_dict()` searches all attributes for validators and collects the names of what is to be written.
Both belong to its class, so once is enough. `tests/slack/test_block_kit.py` compares every screen.
"""

from typing import Any

from slack_sdk.models.basic_objects import EMPTY_ALLOWED_TYPE_AND_PROPERTY_LIST, JsonObject

_MAY_BE_EMPTY = {(rule["type"], rule["property"]) for rule in EMPTY_ALLOWED_TYPE_AND_PROPERTY_LIST}
_shapes: dict[type, tuple[list[str], list[str]]] = {}
"""The validators of each class, and the names of what is written of it."""


def as_json(model: JsonObject) -> dict[str, Any]:
    """Return what `to_dict()` returns. Raises SlackObjectFormationError where Slack wouldn't take it."""
    kind = type(model)
    if kind.to_dict is not JsonObject.to_dict:
        return model.to_dict()
    if kind not in _shapes:
        names = [name for name in dir(kind) if hasattr(getattr(kind, name, None), "validator")]
        _shapes[kind] = names, sorted(model.attributes)
    validators, names = _shapes[kind]
    for validator in validators:
        getattr(model, validator)()
    values = ((name, getattr(model, name, None)) for name in names)
    return {name: _plain(value) for name, value in values if not _is_left_out(model, name, value)}


def _is_left_out(model: JsonObject, name: str, value: Any) -> bool:
    if value is None:
        return True
    is_empty = hasattr(value, "__len__") and not len(value)
    return is_empty and (getattr(model, "type", None), name) not in _MAY_BE_EMPTY


def _plain(value: Any) -> Any:
    if isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, JsonObject):
        return as_json(value)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    # The style of a text has a `to_dict()`, and is no JsonObject.
    return value.to_dict() if hasattr(value, "to_dict") else value
