"""The parts of a bot that serves one workspace, for tests that need no transport."""

import aiohttp

from bot.app import Storage, create_workspaces
from bot.clock import Clock
from bot.settings import Settings
from bot.tasks import Tasks
from bot.workspaces.runtime import Runtime


async def create_runtime(settings: Settings, session: aiohttp.ClientSession, storage: Storage, clock: Clock) -> Runtime:
    """Make what serves the workspace of `SLACK_BOT_TOKEN`."""
    _, workspaces = create_workspaces(settings, session, storage, clock, Tasks())
    (runtime,) = await workspaces.all()
    return runtime
