"""Every way a call can fail, as one typed error.

A code is Slack's own wherever Slack gave one. The others, for failures on the way, are named here.
"""

import asyncio
from collections.abc import Mapping

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.slack_connection import retry_after_seconds

RATE_LIMITED = "ratelimited"
HTTP_ERROR = "http_error"
TIMEOUT = "timeout"
CONNECTION_FAILED = "connection_failed"
ANSWER_NOT_JSON = "answer_not_json"
ANSWER_NOT_OBJECT = "answer_not_object"
ANSWER_WITHOUT_OK = "answer_without_ok"
ANSWER_WITHOUT_TOKEN = "answer_without_token"

_UNREAD = object()
_UNSURE = {
    HTTP_ERROR,
    TIMEOUT,
    CONNECTION_FAILED,
    ANSWER_NOT_JSON,
    ANSWER_NOT_OBJECT,
    ANSWER_WITHOUT_OK,
    ANSWER_WITHOUT_TOKEN,
    # Slack says of these two that part of the work may be done; the others break off the same way.
    "fatal_error",
    "internal_error",
    "service_unavailable",
    "request_timeout",
    "unable_to_delete",
}


class ExternalAuthError(Exception):
    """A call to one of the two methods that did not succeed.

    `retry_after` is in whole seconds. `may_have_happened` says that the change which was asked for (a deletion,
    a forced refresh) may be done although no success was reported. Nothing in it holds a token: the exception it
    came from is dropped, because slack_sdk puts whole responses into those.
    """

    def __init__(
        self,
        code: str,
        method: str,
        *,
        status: int | None = None,
        detail: tuple[str, ...] = (),
        needed: str | None = None,
        provided: str | None = None,
        retry_after: int | None = None,
        may_have_happened: bool = False,
    ) -> None:
        super().__init__(f"{method}: {code}")
        self.code = code
        self.method = method
        self.status = status
        self.detail = detail
        self.needed = needed
        self.provided = provided
        self.retry_after = retry_after
        self.may_have_happened = may_have_happened


def from_exception(method: str, error: Exception, *, changes: bool) -> ExternalAuthError:
    """Name what went wrong when slack_sdk raised `error`.

    `changes` says whether the request changes something at Slack (a delete, a forced refresh).
    """
    if isinstance(error, SlackApiError):
        return _from_response(method, error.response, changes=changes)
    if isinstance(error, asyncio.TimeoutError):
        return ExternalAuthError(TIMEOUT, method, may_have_happened=changes)
    if isinstance(error, aiohttp.ClientConnectorError):
        return ExternalAuthError(CONNECTION_FAILED, method)
    if isinstance(error, aiohttp.ClientError | OSError):
        return ExternalAuthError(CONNECTION_FAILED, method, may_have_happened=changes)
    if isinstance(error, AttributeError):
        # slack_sdk calls .get() on whatever it received with a 200: a list, say, or the str of a text/plain answer.
        code = ANSWER_NOT_JSON if isinstance(error.obj, str) else ANSWER_NOT_OBJECT
        return ExternalAuthError(code, method, status=200, may_have_happened=changes)
    return ExternalAuthError(ANSWER_NOT_JSON, method, may_have_happened=changes)


def _from_response(method: str, response: object, *, changes: bool) -> ExternalAuthError:
    # slack_sdk's own response, or aiohttp's where the body was broken JSON.
    status = getattr(response, "status_code", getattr(response, "status", None))
    headers = getattr(response, "headers", None)
    data = getattr(response, "data", _UNREAD)
    code = _code(status, data, is_json="json" in _content_type(headers))
    body: Mapping[str, object] = data if isinstance(data, Mapping) else {}
    return ExternalAuthError(
        code,
        method,
        status=status,
        detail=_messages(body.get("response_metadata")),
        needed=_text(body.get("needed")),
        provided=_text(body.get("provided")),
        retry_after=retry_after_seconds(headers) if code == RATE_LIMITED else None,
        may_have_happened=changes and code in _UNSURE,
    )


def _code(status: object, data: object, *, is_json: bool) -> str:
    if status == 429:
        return RATE_LIMITED
    if isinstance(data, Mapping) and isinstance(data.get("error"), str) and data["error"]:
        return str(data["error"])
    if status != 200:
        return HTTP_ERROR
    if not is_json or data is _UNREAD:
        return ANSWER_NOT_JSON
    return ANSWER_WITHOUT_OK if isinstance(data, Mapping) else ANSWER_NOT_OBJECT


def _content_type(headers: object) -> str:
    # slack_sdk gives {} as the data of an HTML answer, so only this tells it from an empty JSON object.
    return str(headers.get("Content-Type", "")) if isinstance(headers, Mapping) else ""


def _messages(metadata: object) -> tuple[str, ...]:
    messages = metadata.get("messages") if isinstance(metadata, Mapping) else None
    return tuple(str(message) for message in messages) if isinstance(messages, list) else ()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
