"""The real bot as it serves many workspaces: with the simulated one among those that installed the app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from slack_sdk.oauth.installation_store import Installation

from bot import settings
from bot.app import Storage, open_storage
from bot.clock import SystemClock
from bot.settings import Settings, Transport
from tests.harness import Harness, open_harness
from tests.installing import SECRET_KEY

TEAM = "T0SANDBOX"
MANY = {
    "SLACK_BOT_TOKEN": "",
    "SLACK_CLIENT_ID": "123.456",
    "SLACK_CLIENT_SECRET": "0" * 32,
    "EXTAUTH_SECRET_KEY": SECRET_KEY,
    "EXTAUTH_PUBLIC_URL": "https://extauth.example.com",
}


def many(url: str, **more: str) -> Settings:
    """The settings, for who looks into the bot's database."""
    return settings.read({**MANY, "DATABASE_URL": url, **more})


async def install(
    storage: Storage, token: str, team: str | None = TEAM, organization: str | None = None, *, is_org_wide: bool = False
) -> None:
    """Keep an installation, as the OAuth flow does."""
    installation = Installation(
        user_id="U0ADMIN",
        bot_token=token,
        bot_id="B0EXTAUTH",
        bot_user_id="U0EXTAUTH",
        team_id=team,
        enterprise_id=organization,
        is_enterprise_install=is_org_wide,
        installed_at=0.0,
    )
    await storage.installations.async_save(installation)


@asynccontextmanager
async def open_many(
    transport: Transport, folder: Path, *, is_installed: bool = True, **more: str
) -> AsyncIterator[tuple[Harness, Storage]]:
    """Serve it until the block ends, with these settings beside the necessary ones, and open its database."""
    url = f"sqlite:///{folder}/many.db"
    async with (
        open_harness(transport, **MANY, DATABASE_URL=url, **more) as harness,
        open_storage(many(url), SystemClock()) as storage,
    ):
        if is_installed:
            await install(storage, harness.state.bot_token)
        yield harness, storage
