"""The traffic between Slack and Extauth in the form that the page shows, grouped by action and with masked secrets."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.commands.parser import unescape
from bot.sandbox.page.curl import as_curl
from bot.sandbox.slack.state import Exchange, State

MASK = "••••••••"
_LONGEST_BODY = 6000
_MOST_EXCHANGES = 400
_ACTS = {"slash_commands", "interactive", "events_api"}
_WORD = re.compile(r"[A-Za-z0-9_.-]{4,}")
_ADDRESS = r"(?:https?|wss?)://(?:127\.0\.0\.1|localhost):\d+/(?:(?:commands|actions)/\w+/\d+/\w+|link/\?[^\"\s]+)"
_PATH = re.compile(r"/(?:commands|actions)/\w+/\d+/\w+")
_START = 0


class Traffic:
    """The traffic that one tab has received."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._told = 0
        self._resets = state.resets
        self._grouping = Grouping()

    def new(self) -> list[dict[str, Any]]:
        """Return the exchanges since the last call, oldest first."""
        if self._resets != self._state.resets:
            self._resets, self._grouping = self._state.resets, Grouping()
        found = []
        for exchange in list(self._state.traffic)[-_MOST_EXCHANGES:]:
            if exchange.number > self._told:
                self._told = exchange.number
                found.append(self._shown(exchange))
        return found

    def _shown(self, exchange: Exchange) -> dict[str, Any]:
        group = self._grouping.group_of(exchange)
        return {
            "number": exchange.number,
            "group": group,
            "title": title(exchange) if group == exchange.number else None,
            "answers": exchange.answers,
            "from": exchange.direction,
            "kind": exchange.kind,
            "at": exchange.at,
            "milliseconds": exchange.milliseconds,
            "parts": _cut(masked_parts(self._state, _text(exchange.body))),
            "curl": as_curl(exchange, lambda text: masked_parts(self._state, text)),
        }


class Grouping:
    """The exchanges, grouped by the person's action that caused them.

    Trigger IDs, view IDs, and response URLs determine the group if an exchange has any. Any other call belongs to the
    newest action that shares the most words with the call, such as the IDs of the person and the token.
    """

    def __init__(self) -> None:
        self._groups: dict[int, int] = {}
        self._keys: dict[str, int] = {}
        self._acts: dict[int, str] = {}

    def group_of(self, exchange: Exchange) -> int:
        """Return the number of the action's first exchange, or 0 if no action caused this exchange."""
        if exchange.direction == "slack" and exchange.kind in _ACTS:
            group = exchange.number
            self._acts[group] = json.dumps(exchange.body, ensure_ascii=False)
            # A modal contains the response URL of the command or click that opened it, and Extauth may reply there.
            self._keys |= dict.fromkeys(_PATH.findall(self._acts[group]), group)
        elif exchange.answers is not None:
            group = self._groups.get(exchange.answers, _START)
        else:
            group = self._by_key(exchange) or self._by_words(exchange)
        self._groups[exchange.number] = group
        if group:
            self._keys |= dict.fromkeys(_keys(exchange), group)
        return group

    def _by_key(self, exchange: Exchange) -> int | None:
        return next((self._keys[key] for key in _keys(exchange) if key in self._keys), None)

    def _by_words(self, exchange: Exchange) -> int:
        words = set(_WORD.findall(json.dumps(list(_strings(exchange.body)), ensure_ascii=False)))
        scores = {group: sum(word in act for word in words) for group, act in list(self._acts.items())[-20:]}
        best = max(scores.values(), default=0)
        return max((group for group, score in scores.items() if score == best), default=_START) if best else _START


def title(exchange: Exchange) -> str:
    """Describe the person's action in a few words."""
    body = exchange.body
    if exchange.kind == "slash_commands":
        return f"{body['command']} {unescape(str(body['text']))}".strip()
    if exchange.kind == "events_api":
        return "App Home opened"
    if body["type"] == "view_submission":
        return f"Submitted “{body['view']['title']['text']}”"
    if body["type"] == "block_suggestion":
        return f"Typed “{body['value']}” to choose from"
    if body["type"] == "block_actions":
        action = body["actions"][0]
        label = action.get("text") or (action.get("selected_option") or {}).get("text") or {}
        return f"{'Pressed' if 'text' in action else 'Chose'} “{label.get('text', action['action_id'])}”"
    return "Shortcut chosen"


def masked_parts(state: State, text: str) -> list[tuple[str, bool]]:
    """Split a text into parts, each with True if the part is a secret."""
    secrets = {state.bot_token, state.app_token, state.signing_secret, *state.secrets}
    # A body may contain a secret literally, or encoded as JSON once or twice.
    once = {written for secret in secrets for written in (secret, _in_json(secret), _in_ascii(secret))}
    written = once | {_in_json(one) for one in once} | {_in_ascii(one) for one in once}
    pattern = "|".join([*(re.escape(one) for one in sorted(written, key=len, reverse=True) if one), _ADDRESS])
    parts, end = [], 0
    for match in re.finditer(pattern, text):
        parts += [(text[end : match.start()], False), (MASK, True)]
        end = match.end()
    return [(part, is_masked) for part, is_masked in [*parts, (text[end:], False)] if part]


def _cut(parts: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    left = _LONGEST_BODY
    kept: list[tuple[str, bool]] = []
    for part, is_masked in parts:
        if len(part) > left:
            return [*kept, (part[:left] + " …", is_masked)]
        kept.append((part, is_masked))
        left -= len(part)
    return kept


def _text(body: Any) -> str:
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return str(body)
    return json.dumps(body, ensure_ascii=False, indent=2)


def _keys(exchange: Exchange) -> Iterator[str]:
    """Yield the IDs by which Slack links one exchange to the next."""
    body = exchange.body
    if isinstance(body, str) and exchange.kind.startswith("answer to views."):
        body = json.loads(body) if body.startswith("{") else {}
    if exchange.path:
        yield exchange.path
    if not isinstance(body, Mapping):
        return
    for name in ("trigger_id", "view_id"):
        if body.get(name):
            yield str(body[name])
    view = body.get("view")
    if isinstance(view, Mapping) and view.get("id"):
        yield str(view["id"])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _in_ascii(text: str) -> str:
    return json.dumps(text)[1:-1]
