"""The process's one HTTP session for Slack."""

import asyncio

import aiohttp

READ_SECONDS = 10.0
"""How long Slack may take to accept a connection, and then to send the next byte of its answer."""
MAX_CONNECTIONS = 200
"""How many requests may be on their way to Slack at once. With half as many, a burst waits for Slack while
the CPU is idle."""


def open_session(read_seconds: float = READ_SECONDS) -> aiohttp.ClientSession:
    """Open the HTTP session that every Slack client shares. Close it at shutdown.

    It keeps no cookies and doesn't read the environment. In a burst a request may wait for a free connection without
    that counting against `read_seconds`; an answer that trickles in is cut off after three times as long.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=3 * read_seconds, sock_connect=read_seconds, sock_read=read_seconds),
        connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(loop=asyncio.get_running_loop()),
        trust_env=False,
    )
