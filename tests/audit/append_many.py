"""A process that only appends to an audit log."""

import asyncio

from pydantic import SecretStr

from bot.actor import Actor
from bot.clock import SystemClock
from bot.slack.external_auth.models import GetToken
from tests.audit_log import configured, open_audit_log

AT_ONCE = 50


def append(url: str, count: str) -> None:
    """Append so many attempts."""
    asyncio.run(_append(url, int(count)))


async def _append(url: str, count: int) -> None:
    async with open_audit_log(configured(url), SystemClock()) as audit:
        actor, request = Actor("U1", "T1", None, SecretStr(""), "ABCD2345"), GetToken("Et1")
        for _ in range(count // AT_ONCE):
            await asyncio.gather(*(audit.attempt(actor, request) for _ in range(AT_ONCE)))
