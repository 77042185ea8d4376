"""Structured logging, and what must never be printed.

Secrets are kept out where they arise: no code of ours logs one, and the libraries that print whole bodies at DEBUG
are held at INFO. What is here is the last net, over every line of every library, tracebacks included.
"""

import json
import logging
import re
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from slack_sdk.errors import SlackApiError

from bot.slack_connection import quiet_logger

reference: ContextVar[str | None] = ContextVar("reference", default=None)
"""The reference id of the thing at hand; every log line carries it."""

_SECRETS = re.compile(
    r"xox[a-z0-9.]*-[\w.-]+"  # bot, user, legacy and rotated tokens
    r"|xapp-[\w-]+"
    r"|(?<=ticket=)[^&\s'\"]+"  # of a Socket Mode address
    r"|https?://[^/\s'\"]+/(?:commands|actions|services|app|workflows)/[^\s'\")]+"  # response URLs
)
_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_BODIES_AT_DEBUG = ("slack_sdk", "slack_bolt", "aiohttp", "asyncio", "aiosqlite", "asyncpg", "sqlalchemy", "alembic")


def redact(text: str) -> str:
    """The text without Slack tokens, response URLs and Socket Mode tickets."""
    return _SECRETS.sub("[redacted]", text)


class _Formatter(logging.Formatter):
    """One record, one line, as JSON or for people."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        facts = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[1]:
            facts["traceback"] = _traceback(record.exc_info[1])
        known = reference.get()
        if known is not None:
            facts["reference"] = known
        return redact(self._line(at, record, facts))

    def _line(self, at: str, record: logging.LogRecord, facts: dict[str, object]) -> str:
        level, message = record.levelname.lower(), record.getMessage()
        if self._as_json:
            line = {"time": at, "level": level, "logger": record.name, "message": message, **facts}
            return json.dumps(line, ensure_ascii=False, default=str)
        trace = facts.pop("traceback", None)
        told = " ".join(f"{name}={value}" for name, value in facts.items() if value is not None)
        return f"{at} {level:<7} {message}{'  ' if told else ''}{told}{f'{chr(10)}{trace}' if trace else ''}"


def _traceback(error: BaseException) -> str:
    """Where it broke. Of a SlackApiError only the code: its text holds the whole response."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=False)
    seen: BaseException | None = error
    link: traceback.TracebackException | None = trace
    while seen is not None and link is not None:
        if isinstance(seen, SlackApiError):
            link._str = f"code {slack_code(seen)}"  # type: ignore[attr-defined]
        follows_cause = seen.__cause__ is not None
        seen = seen.__cause__ if follows_cause else seen.__context__
        link = link.__cause__ if follows_cause else link.__context__
    return "".join(trace.format())


def slack_code(error: SlackApiError) -> str:
    """Slack's error code out of an error whose text must not be printed."""
    data = getattr(error.response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    return str(code) if code else "unknown"


def configure(level: str, log_format: str, stream: TextIO | None = None) -> None:
    """Log to `stream` (standard error by default) from now on, at `level`."""
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Formatter(as_json=log_format == "json" or (log_format == "auto" and not out.isatty())))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    capped = max(logging.INFO, logging.getLevelName(level))
    quiet_logger.setLevel(capped)
    for name in _BODIES_AT_DEBUG:
        logging.getLogger(name).setLevel(max(capped, logging.getLogger(name).level))
