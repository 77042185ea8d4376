"""The checks of `extauth check`, which cover the whole setup and suggest a fix for each problem."""

from collections.abc import AsyncIterator

from bot.check.channel import check_channel
from bot.check.database import check_database, count_open_sockets
from bot.check.finding import Finding
from bot.check.installing import check_client, check_installations
from bot.check.lists import ListCheck, check_approval
from bot.check.tokens import (
    Bot,
    check_api_token,
    check_app_token,
    check_bot_token,
    check_listing,
    check_transport,
    try_token,
)
from bot.check.web_api import reach
from bot.clock import Clock
from bot.settings import Settings
from bot.slack.client import ClientFactory, open_session
from bot.workspaces.settings import LISTS


async def examine(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Yield a finding for each part of the setup, without changing, posting, or creating anything."""
    async with open_session(ca_file=settings.ca_file) as session:
        clients = ClientFactory(session, settings.api_url, settings.proxy, clock)
        reached, blocked = await reach(settings, clients)
        yield reached
        bot = Bot()
        if settings.serves_many:
            yield await check_client(settings, clients, blocked)
        else:
            findings, bot = await check_bot_token(settings, clients, blocked)
            for finding in findings:
                yield finding
        yield check_transport(settings)
        if settings.app_token is not None:
            known = await count_open_sockets(settings, clock)
            yield await check_app_token(settings.app_token, clients, blocked, known)
        if not settings.serves_many:
            fetching = await check_api_token(settings, clients, bot, blocked)
            yield fetching
            yield await check_listing(settings, clients, bot, blocked, fetching)
        for finding in await check_database(settings):
            yield finding
        if settings.serves_many:
            yield await check_installations(settings, clock)
        lists = ListCheck(settings, clients, bot, blocked)
        for name in LISTS:
            allow = getattr(settings, name)
            if allow is not None:
                yield await lists.check(f"EXTAUTH_{name.upper()}", allow)
        yield check_approval(settings)
        yield await lists.check_contact(settings.contact)
        if settings.audit_channel is not None:
            yield await check_channel(settings.audit_channel, settings, clients, bot, blocked)


async def check_token(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Yield a finding for each external-auth method, called with the bot token in the settings."""
    async with open_session(ca_file=settings.ca_file) as session:
        clients = ClientFactory(session, settings.api_url, settings.proxy, clock)
        reached, blocked = await reach(settings, clients)
        yield reached
        if blocked is None:
            async for finding in try_token(settings, clients):
                yield finding
