"""Extauth's requests to Slack, as curl commands for a real workspace. Secrets become shell variables."""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from bot.sandbox.slack.state import Exchange

Parts = list[tuple[str, bool]]
"""The parts of a text, each with True if the part is a secret."""

_API = "https://slack.com/api/"
_AS_JSON = ("apps.auth.external.",)


def as_curl(exchange: Exchange, masked: Callable[[str], Parts]) -> str | None:
    """Return a request by Extauth as a curl command, or None for other exchanges. `masked` finds secrets in a text."""
    is_request = exchange.direction == "bot" and exchange.kind != "acknowledgement"
    if not is_request or not isinstance(exchange.body, Mapping):
        return None
    if exchange.kind == "response_url":
        return _joined(['curl "$RESPONSE_URL"', _JSON_HEADER, f"--data {_quoted(masked(_compact(exchange.body)))}"])
    token = "$SLACK_APP_TOKEN" if exchange.kind == "apps.connections.open" else "$SLACK_BOT_TOKEN"
    command = [f"curl {_API}{exchange.kind}", f'-H "Authorization: Bearer {token}"']
    if exchange.kind.startswith(_AS_JSON):
        return _joined([*command, _JSON_HEADER, f"--data {_quoted(masked(_compact(exchange.body)))}"])
    fields = [f"--data-urlencode {_quoted(masked(f'{name}={_field(value)}'))}" for name, value in exchange.body.items()]
    return _joined([*command, *(fields or ["-X POST"])])


_JSON_HEADER = "-H 'Content-Type: application/json; charset=utf-8'"


def _joined(lines: list[str]) -> str:
    return " \\\n  ".join(lines)


def _quoted(parts: Parts) -> str:
    return "".join('"$EXTERNAL_TOKEN"' if is_masked else shlex.quote(part) for part, is_masked in parts) or "''"


def _field(value: Any) -> str:
    return value if isinstance(value, str) else _compact(value)


def _compact(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
