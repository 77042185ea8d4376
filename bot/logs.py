"""Structured logging, and the redaction of secrets.

Extauth logs no secrets, and the libraries that print whole bodies at DEBUG are kept at INFO. As a last safeguard,
known tokens are redacted from every line, including tracebacks and other libraries' messages.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from slack_sdk.errors import SlackApiError

from bot import ids

reference: ContextVar[str | None] = ContextVar("reference", default=None)
"""The reference ID of the current request, which is added to each of its log lines."""

sdk_logger = logging.getLogger("bot.slack_sdk")
"""The logger for slack_sdk and Bolt, which never has the level DEBUG, at which they print bodies, including tokens."""
sdk_logger.setLevel(logging.INFO)

_SECRETS = re.compile(
    r"xox[a-z0-9.]{0,20}-[\w.-]+"  # also strings too short to be a token
    r"|xapp-[\w-]+"
    r"|(?<=ticket=)[^&\s'\"]+"  # tickets in Socket Mode addresses
    r"|https?://[^/\s'\"]+/(?:commands|actions|services|app|workflows)/[^\s'\")]+"  # response URLs
)
_MOST_FRAMES = 40
"""Maximum number of calls shown in a traceback, from the innermost, because endless recursion has a thousand."""
_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_BODIES_AT_DEBUG = ("slack_sdk", "slack_bolt", "aiohttp", "asyncio", "psycopg", "sqlalchemy", "alembic")


def redact(text: str) -> str:
    """Return the text without known tokens, response URLs, and Socket Mode tickets."""
    return ids.redact(_SECRETS.sub(ids.REDACTED, text))


class _Formatter(logging.Formatter):
    """A formatter that writes each record as one line: JSON, or text for people."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[1]:
            fields["traceback"] = _traceback(record.exc_info[1])
        current = reference.get()
        if current is not None:
            fields["reference"] = current
        level, message = record.levelname.lower(), record.getMessage()
        if self._as_json:
            line = {"time": at, "level": level, "logger": record.name, "message": message, **fields}
            return redact(on_one_line(json.dumps(line, ensure_ascii=False, default=str), json.dumps))
        trace = str(fields.pop("traceback", ""))
        told = " ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
        text = on_one_line(f"{at} {level:<7} {message}{'  ' if told else ''}{told}")
        # Indented, so that text inside a traceback can't be mistaken for a line of the log.
        return redact("\n    | ".join([text, *(on_one_line(part) for part in trace.splitlines())]))


@contextmanager
def only_errors() -> Iterator[None]:
    """Log only errors of slack_sdk and Bolt inside the `with` block."""
    level = sdk_logger.level
    sdk_logger.setLevel(max(level, logging.ERROR))
    try:
        yield
    finally:
        sdk_logger.setLevel(level)


def silence() -> None:
    """Discard all log lines from now on."""
    logging.getLogger().handlers[:] = [logging.NullHandler()]


def on_one_line(text: str, quoted: Callable[[str], str] = repr) -> str:
    """Escape line breaks and other control characters, so that text from outside can't forge a line of the log."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else quoted(character)[1:-1] for character in text)


def _traceback(error: BaseException | None) -> str:
    """Return the traceback, first cause first, with only the code of a SlackApiError, whose text has the response."""
    parts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, SlackApiError):
            told = f"{type(error).__qualname__}: code {slack_code(error)}\n"
        else:
            told = "".join(traceback.format_exception_only(error))
        frames = "".join(traceback.format_tb(error.__traceback__, limit=-_MOST_FRAMES))
        parts.append(f"Traceback (most recent call last):\n{frames}{told}")
        hides = error.__suppress_context__ and error.__cause__ is None
        error = None if hides else error.__cause__ or error.__context__
    return "\nwhich led to:\n\n".join(reversed(parts))


def slack_code(error: SlackApiError) -> str:
    """Return Slack's error code from an error whose text must not be printed."""
    data = getattr(error.response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    return code if isinstance(code, str) and ids.ERROR_CODE.fullmatch(code) else "unknown"


def configure(level: str, log_format: str, stream: TextIO | None = None) -> None:
    """Log to `stream` (standard error by default) from now on, at `level`."""
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Formatter(as_json=log_format == "json" or (log_format == "auto" and not out.isatty())))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    capped = max(logging.INFO, logging.getLevelName(level))
    sdk_logger.setLevel(capped)
    for name in _BODIES_AT_DEBUG:
        logging.getLogger(name).setLevel(max(capped, logging.getLogger(name).level))
