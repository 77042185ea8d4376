"""The ways a call can fail, as a family of exceptions.

ExternalAuthError
├── RefusedError        Slack refused the request. Nothing changed.
├── RateLimitedError    Slack's rate limit rejected the request. Nothing changed.
├── UnreachableError    The request never reached Slack. Nothing changed.
└── UnconfirmedError    The request was sent, but without a clear response. A change may have happened.

A code is Slack's own if the response has one. Otherwise, it is a `TransportCode`.
"""

from collections.abc import Mapping
from enum import StrEnum

import aiohttp

from bot.ids import ERROR_CODE, quote, redact, showable
from bot.slack.calls import HttpAnswer, header, retry_after

_MOST, _LONGEST = 20, 2000
"""Maximum number of Slack's messages to keep, and of characters in each, both more than are shown."""


class TransportCode(StrEnum):
    """Extauth's codes for failed connections and malformed responses."""

    HTTP_ERROR = "http_error"
    TIMEOUT = "timeout"
    CONNECTION_FAILED = "connection_failed"
    CERTIFICATE_NOT_TRUSTED = "certificate_not_trusted"
    PROXY_REFUSED = "proxy_refused"
    ANSWER_NOT_JSON = "answer_not_json"
    ANSWER_NOT_OBJECT = "answer_not_object"
    ANSWER_WITHOUT_OK = "answer_without_ok"
    ANSWER_WITHOUT_TOKEN = "answer_without_token"
    ANSWER_WITHOUT_LIST = "answer_without_list"
    ANSWER_WITHOUT_ADDRESS = "answer_without_address"


class BreakdownCode(StrEnum):
    """Slack's codes for requests that Slack began to carry out and may have finished.

    Slack documents this for the first two codes, and the others are treated the same.
    https://docs.slack.dev/reference/methods/apps.auth.external.delete#errors
    """

    FATAL_ERROR = "fatal_error"
    INTERNAL_ERROR = "internal_error"
    SERVICE_UNAVAILABLE = "service_unavailable"
    REQUEST_TIMEOUT = "request_timeout"
    UNABLE_TO_DELETE = "unable_to_delete"


class ExternalAuthError(Exception):
    """A failed call to one of the methods for external tokens.

    `detail`, `needed`, and `provided` are Slack's own words, with known tokens redacted. The original exception isn't
    kept, because slack_sdk puts whole responses, and so tokens, into its exceptions.
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
    ) -> None:
        super().__init__(f"{method}: {code}")
        self.code = code
        self.method = method
        self.status = status
        self.detail = detail
        self.needed = needed
        self.provided = provided


class RefusedError(ExternalAuthError):
    """A refusal by Slack. Nothing changed."""


class RateLimitedError(ExternalAuthError):
    """A rate limit that lasts longer than Extauth waits. Nothing changed. `retry_after` is in seconds."""

    def __init__(self, method: str, retry_after: int | None) -> None:
        super().__init__("ratelimited", method, status=429)
        self.retry_after = retry_after


class UnreachableError(ExternalAuthError):
    """A request that never reached Slack. Nothing changed."""


class UnconfirmedError(ExternalAuthError):
    """A request that was sent, but got no clear response, so a change may have happened."""


def from_answer(method: str, answer: HttpAnswer, sent: Mapping[str, object]) -> ExternalAuthError:
    """Return the error for an unsuccessful response, whose text may repeat `sent` values, so they are only quoted."""
    if answer.status == 429:
        return RateLimitedError(method, retry_after(answer.headers))
    if not isinstance(answer.body, Mapping):
        is_json = "json" in (header(answer.headers, "content-type") or "")
        unreadable = TransportCode.ANSWER_NOT_OBJECT if is_json else TransportCode.ANSWER_NOT_JSON
        unreadable = unreadable if answer.status == 200 else TransportCode.HTTP_ERROR
        return UnconfirmedError(unreadable, method, status=answer.status)
    code = answer.body.get("error")
    if not isinstance(code, str) or not ERROR_CODE.fullmatch(code):
        unclear = TransportCode.ANSWER_WITHOUT_OK if answer.status == 200 else TransportCode.HTTP_ERROR
        return UnconfirmedError(unclear, method, status=answer.status)
    family = UnconfirmedError if code in frozenset(BreakdownCode) else RefusedError
    metadata = answer.body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, Mapping) else None
    detail = tuple(_harmless(str(one), sent) for one in messages[:_MOST]) if isinstance(messages, list) else ()
    scopes = {name: answer.body.get(name) for name in ("needed", "provided")}
    said = {name: _harmless(value, sent) for name, value in scopes.items() if isinstance(value, str) and value}
    return family(code, method, status=answer.status, detail=detail, **said)


def from_exception(method: str, error: Exception) -> ExternalAuthError:
    """Return the error for a call without a readable response."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return UnreachableError(TransportCode.CERTIFICATE_NOT_TRUSTED, method)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return UnreachableError(TransportCode.PROXY_REFUSED, method, status=error.status)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return UnreachableError(TransportCode.CONNECTION_FAILED, method)
    if isinstance(error, TimeoutError):
        return UnconfirmedError(TransportCode.TIMEOUT, method)
    if isinstance(error, aiohttp.ClientError | OSError):
        return UnconfirmedError(TransportCode.CONNECTION_FAILED, method)
    return UnconfirmedError(TransportCode.ANSWER_NOT_JSON, method)


def _harmless(message: str, sent: Mapping[str, object]) -> str:
    message = message[: 4 * _LONGEST]
    for value in sent.values():
        if isinstance(value, str):
            message = message.replace(value, quote(value))
    # Redacted before cutting, because part of a token may no longer be recognized.
    return showable(redact(message))[:_LONGEST]
