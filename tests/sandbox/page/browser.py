"""The sandbox's page in Debian's Chromium, as a person at a keyboard."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from playwright.async_api import BrowserContext, Page, async_playwright, expect

from bot.sandbox.run import open_sandbox
from bot.sandbox.slack.server import SimulatedSlack
from bot.settings import Transport

CHROMIUM = os.environ.get("EXTAUTH_TEST_CHROMIUM") or shutil.which("chromium") or ""
AXE = Path(__file__).parents[3] / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MILLISECONDS = 30_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)

_QUIET = "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"


ColorScheme = Literal["light", "dark"]


class Browser:
    """One browser, in which each tab is somebody."""

    def __init__(self, slack: SimulatedSlack, context: BrowserContext) -> None:
        self.slack = slack
        self.context = context
        self.errors: list[str] = []

    async def tab(self, user: str = "U0ADMIN") -> Page:
        """Open the page as somebody."""
        page = await self.context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        await page.goto(f"{self.slack.base_url}/#{user}")
        await page.wait_for_selector("#catalogue li")
        await page.wait_for_function(f"document.getElementById('people').value === '{user}'")
        return page


@asynccontextmanager
async def open_browser(
    transport: Transport = "socket",
    *,
    width: int = 1280,
    height: int = 860,
    color_scheme: Literal["light", "dark"] = "light",
) -> AsyncIterator[Browser]:
    """The page, served with the real bot behind it, in a browser."""
    async with open_sandbox(transport) as slack, async_playwright() as playwright:
        slack.web_api.rate_limits.is_on = False
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*_QUIET.split(), "--disable-sync", "--no-sandbox"]
        )
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=color_scheme,
            permissions=["clipboard-read", "clipboard-write"],
        )
        opened = Browser(slack, context)
        try:
            yield opened
        finally:
            await browser.close()
        assert opened.errors == []


async def types(page: Page, line: str) -> None:
    """Type a line and press Enter."""
    await page.fill("#line", line)
    await page.press("#line", "Enter")
