"""IDs that make the simulated Slack fail, which are `EtErr.` and an error code or the name of a broken response.

For `EtErr.invalid_auth`, every method returns that code. The provider key or app ID for it is `err.invalid_auth`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_FAULT_ID = re.compile(r"(?:EtErr|err)\.(.+)")

RETRY_AFTER_FOREVER = 3600
SLOW_SECONDS = 4.0


@dataclass(frozen=True)
class Answer:
    """A response as it's sent over the network. `delay` is in seconds, and `breaks` closes the connection instead.

    `cuts` resets the connection in the middle of the body. `drip` is the seconds between two characters of the body.
    """

    status: int = 200
    body: str = ""
    content_type: str = "application/json"
    headers: Mapping[str, str] | None = None
    delay: float = 0.0
    breaks: bool = False
    cuts: bool = False
    drip: float = 0.0


TRANSPORT_FAULTS: Mapping[str, tuple[str, Answer]] = {
    "429": (
        "Slack asks to slow down for an hour",
        Answer(429, '{"ok":false,"error":"ratelimited"}', headers={"Retry-After": str(RETRY_AFTER_FOREVER)}),
    ),
    "503": ("HTTP 503 with an HTML page", Answer(503, "<html>Service Unavailable</html>", "text/html")),
    "500-text": ("HTTP 500 with plain text", Answer(500, "upstream connect error", "text/plain")),
    "html": ("a sign-in page instead of JSON", Answer(200, "<html>Please sign in</html>", "text/html")),
    "text": ("plain text instead of JSON", Answer(200, "hello", "text/plain")),
    "broken-json": ("JSON that breaks off", Answer(200, '{"ok": true, "external_tok')),
    "list": ("a JSON list", Answer(200, '[{"ok": true}]')),
    "empty-list": ("an empty JSON list", Answer(200, "[]")),
    "null": ("a JSON null", Answer(200, "null")),
    "no-ok": ("an answer without ok", Answer(200, '{"external_token": "nobody-should-see-this"}')),
    "empty-object": ("an empty JSON object", Answer(200, "{}")),
    "no-token": ("ok, but no token", Answer(200, '{"ok": true}')),
    "timeout": ("no answer at all", Answer(delay=60.0)),
    "disconnect": ("the connection breaks", Answer(breaks=True)),
}

_HALF = '{"ok": true, "external_token": "canary-of-a-token", "view": {"id": "V1"}, "user": {"id": "U0'
MORE_FAULTS: Mapping[str, Answer] = {
    "429-bare": Answer(429, '{"ok":false,"error":"ratelimited"}'),
    "429-broken": Answer(429, '{"ok":false,"err', headers={"Retry-After": str(RETRY_AFTER_FOREVER)}),
    "500": Answer(500, "{}"),
    "empty": Answer(200, ""),
    "truncated": Answer(200, _HALF),
    "odd-shape": Answer(
        200, '{"ok": true, "external_token": ["canary-of-a-token"], "view": [], "user": 7, "team_id": 3}'
    ),
    "odd-ok": Answer(200, '{"ok": "yes", "external_token": "canary-of-a-token"}'),
    "reset": Answer(200, _HALF, cuts=True),
    "drip": Answer(200, _HALF * 20, drip=0.05),
}
"""Faults that only tests can set, by method and name, because no ID causes them."""

_WITH_DETAIL: Mapping[str, Mapping[str, object]] = {
    "missing_scope": {"needed": "external_tokens:read", "provided": "commands,users:read"},
    "invalid_arguments": {"response_metadata": {"messages": ["[ERROR] external_token_id: must be an external token"]}},
    "invalid_args": {"response_metadata": {"messages": ["[ERROR] provider_key needs <app_id> & more"]}},
}


def fault_answer(fault: str) -> Answer | None:
    """Return the broken response with a name, or a 429 for `429-SECONDS`, or None for one of Slack's error codes."""
    if fault in TRANSPORT_FAULTS:
        return TRANSPORT_FAULTS[fault][1]
    if fault in MORE_FAULTS:
        return MORE_FAULTS[fault]
    name, _, seconds = fault.partition("-")
    if name == "429" and seconds.isdigit():
        return Answer(429, '{"ok":false,"error":"ratelimited"}', headers={"Retry-After": seconds})
    return None


def fault_in(arguments: Mapping[str, object]) -> str | None:
    """Return the fault that the ID in one of the arguments causes, or None."""
    for value in arguments.values():
        match = _FAULT_ID.fullmatch(value) if isinstance(value, str) else None
        if match:
            return match[1]
    return None


def error_body(code: str) -> dict[str, object]:
    """Return Slack's response for the error `code`, with the details that some codes include."""
    return {"ok": False, "error": code, **_WITH_DETAIL.get(code, {})}
