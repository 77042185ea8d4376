"""The sandbox's page in Debian's Chromium, as a person at a keyboard."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Locator, Page, async_playwright, expect

from bot.clock import Clock
from bot.sandbox.run import open_sandbox
from bot.sandbox.slack.server import SimulatedSlack
from bot.settings import Transport
from bot.ui.buttons import Button

CHROMIUM = os.environ.get("EXTAUTH_TEST_CHROMIUM") or shutil.which("chromium") or ""
AXE = Path(__file__).parents[3] / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MILLISECONDS = 30_000
# Wait with `expect`: the page's Content Security Policy forbids what `wait_for_function` does from its second look on.
expect.set_options(timeout=PATIENCE_MILLISECONDS)

IN_CHROMIUM = [
    # One loop for all tests, because they share the browser.
    pytest.mark.asyncio(loop_scope="session"),
    # Playwright's own sockets are closed a moment after its loop.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_QUIET = "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"


ColorScheme = Literal["light", "dark"]
SCHEMES: tuple[ColorScheme, ...] = ("light", "dark")
PHONE = (390, 844)
DESKTOP = (1280, 860)


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
        await page.wait_for_selector("#catalogue li", state="attached")
        await expect(page.locator("#people")).to_have_value(user)
        return page


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Chromium]:
    """Start the browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*_QUIET.split(), "--disable-sync", "--no-sandbox"]
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_page(
    chromium: Chromium,
    transport: Transport = "socket",
    *,
    size: tuple[int, int] = DESKTOP,
    color_scheme: ColorScheme = "light",
    scale: float = 1,
    is_still: bool = True,
    clock: Clock | None = None,
) -> AsyncIterator[Browser]:
    """Serve the page, with the real bot behind it, to a window of its own. `is_still` asks for reduced motion.

    With a clock that stands still, no deadline of the bot's passes while a busy machine draws.
    """
    async with open_sandbox(transport, clock) as slack:
        slack.web_api.rate_limits.is_on = False
        context = await chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=color_scheme,
            device_scale_factor=scale,
            reduced_motion="reduce" if is_still else "no-preference",
            permissions=["clipboard-read", "clipboard-write"],
        )
        opened = Browser(slack, context)
        try:
            yield opened
        finally:
            await context.close()
        assert opened.errors == []


async def types(page: Page, line: str) -> None:
    """Type a line and press Enter."""
    await page.fill("#line", line)
    await page.press("#line", "Enter")


def answers(page: Page) -> Locator:
    """What the bot has answered, oldest first."""
    return page.locator("article.private")


def button(page: Page | Locator, which: Button) -> Locator:
    """A button by what it does, whatever it says."""
    return page.locator(f'[data-action="{which.action_id}"]')


def field(page: Page, block_id: str) -> Locator:
    """A field of the open modal."""
    return page.locator(f'dialog [data-block="{block_id}"]')


async def picks(page: Page, block_id: str, text: str, label: str) -> None:
    """Type into a field with a list, and take what it offers first."""
    await field(page, block_id).fill(text)
    await expect(page.locator("dialog").get_by_role("option", selected=True)).to_have_text(label)
    await field(page, block_id).press("Enter")
    await expect(field(page, block_id)).to_have_value(label)


def submit(page: Page) -> Locator:
    """The open modal's submit button."""
    return page.locator("dialog [type=submit]")


async def axe_faults(page: Page) -> list[str]:
    """What axe-core finds serious or critical, in light and in dark."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    return [fault for scheme in SCHEMES for fault in await _axe_faults(page, scheme)]


async def _axe_faults(page: Page, scheme: ColorScheme) -> list[str]:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    found = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{scheme}: {fault['id']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]
