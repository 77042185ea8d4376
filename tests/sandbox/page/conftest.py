"""One Chromium for all tests of the page; each gets tabs of its own in it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext as Chromium

from tests.sandbox.page.browser import CHROMIUM, open_chromium


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    if not CHROMIUM:
        pytest.skip("no Chromium here: install Debian's package chromium")
    async with open_chromium() as opened:
        yield opened
