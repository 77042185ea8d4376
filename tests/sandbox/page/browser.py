"""The sandbox's page in Debian's Chromium, as a person at a keyboard."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import ConsoleMessage, Error, Locator, Page, async_playwright, expect

from bot.clock import Clock
from bot.sandbox.run import AUDITED, open_sandbox
from bot.sandbox.slack.server import SimulatedSlack
from bot.settings import Transport
from bot.views.buttons import Button

CHROMIUM = os.environ.get("EXTAUTH_TEST_CHROMIUM") or shutil.which("chromium") or ""
AXE = Path(__file__).parents[3] / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MILLISECONDS = 30_000
# Wait with `expect`: the page's Content Security Policy forbids what `wait_for_function` does from its second look on.
expect.set_options(timeout=PATIENCE_MILLISECONDS)

IN_CHROMIUM = [
    pytest.mark.page,
    # One loop for all tests, because they share the browser.
    pytest.mark.asyncio(loop_scope="session"),
    # Playwright's own sockets are closed a moment after its loop.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_QUIET = "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"


ColorScheme = Literal["light", "dark"]
SCHEMES: tuple[ColorScheme, ...] = ("light", "dark")
EVERY_RULE: Mapping[str, Any] = {}
COLORS: Mapping[str, Any] = {"runOnly": ["color-contrast", "link-in-text-block"]}
"""Those of axe-core's rules about colors that it applies by default."""
PHONE = (390, 844)
DESKTOP = (1280, 860)


class Browser:
    """One browser, in which each tab is somebody.

    A test gets the tabs of those before it, emptied: a new one is a new process, which costs more than most tests do.
    Nothing is left in them, because the page stores nothing and each sandbox has an address of its own.
    """

    def __init__(self, slack: SimulatedSlack, chromium: Chromium, size: tuple[int, int], **media: Any) -> None:
        """With a size in pixels, and with what each tab emulates."""
        self.slack = slack
        self.errors: list[str] = []
        self._chromium = chromium
        self._size = size
        self._media = media
        self._tabs: list[Page] = []

    async def tab(self, user: str = "U0ADMIN") -> Page:
        """Open the page as somebody."""
        page = await self._empty_tab()
        await page.goto(f"{self.slack.base_url}/#{user}")
        await page.wait_for_selector("#catalogue li", state="attached")
        await expect(page.locator("#people")).to_have_value(user)
        return page

    async def _empty_tab(self) -> Page:
        free = [page for page in self._chromium.pages if page not in self._tabs]
        page = free[0] if free else await self._chromium.new_page()
        self._tabs.append(page)
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        await page.set_viewport_size({"width": self._size[0], "height": self._size[1]})
        await page.emulate_media(**self._media)
        await page.bring_to_front()
        page.on("pageerror", self._on_page_error)
        page.on("console", self._on_console)
        return page

    async def empty(self) -> None:
        """Leave the tabs to the next test."""
        for page in self._tabs:
            await page.goto("about:blank")
            page.remove_listener("pageerror", self._on_page_error)
            page.remove_listener("console", self._on_console)

    def _on_page_error(self, error: Error) -> None:
        self.errors.append(str(error))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)


@asynccontextmanager
async def open_chromium(scale: float = 1) -> AsyncIterator[Chromium]:
    """Start the browser, with so many pixels for each of the page's."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*_QUIET.split(), "--disable-sync", "--no-sandbox"]
        )
        try:
            yield await browser.new_context(
                device_scale_factor=scale, permissions=["clipboard-read", "clipboard-write"]
            )
        finally:
            await browser.close()


@asynccontextmanager
async def open_page(
    chromium: Chromium,
    transport: Transport = "socket",
    *,
    size: tuple[int, int] = DESKTOP,
    color_scheme: ColorScheme = "light",
    is_still: bool = True,
    clock: Clock | None = None,
    settings: Mapping[str, str] = AUDITED,
) -> AsyncIterator[Browser]:
    """Serve the page, with the real bot behind it, in tabs that are all its own. `is_still` asks for reduced motion.

    With a clock that stands still, no deadline of the bot's passes while a busy machine draws. `settings` are
    the bot's.
    """
    async with open_sandbox(transport, clock, settings) as slack:
        slack.web_api.rate_limits.is_on = False
        opened = Browser(
            slack,
            chromium,
            size,
            color_scheme=color_scheme,
            reduced_motion="reduce" if is_still else "no-preference",
        )
        try:
            yield opened
        finally:
            await opened.empty()
        assert opened.errors == []


async def types(page: Page, line: str) -> None:
    """Type a line and press Enter."""
    await page.fill("#line", line)
    await page.press("#line", "Enter")


def answers(page: Page) -> Locator:
    """Return the bot's answers, oldest first."""
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
    """What axe-core finds serious or critical in light, and of colors, which alone differ then, in dark."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    return [*await _axe_faults(page, "light"), *await _axe_faults(page, "dark", COLORS)]


async def _axe_faults(page: Page, scheme: ColorScheme, options: Mapping[str, Any] = EVERY_RULE) -> list[str]:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    found = await page.evaluate("options => axe.run({resultTypes: ['violations'], ...options})", options)
    return [
        f"{scheme}: {fault['id']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]
