"""Writes the README's pictures into docs/: python -m tests.sandbox.page.screenshots"""

import asyncio
from pathlib import Path

from playwright.async_api import Page, expect

from tests.sandbox.page.browser import open_browser, types

DOCS = Path(__file__).parents[3] / "docs"


async def main() -> None:
    DOCS.mkdir(exist_ok=True)
    async with open_browser() as browser:
        page = await browser.tab()
        await types(page, "/extauth get EtSalesforce1")
        await expect(page.locator("article")).to_have_count(1)
        await page.locator("article").screenshot(path=DOCS / "masked.png")

        await page.get_by_role("button", name="Show token").click()
        await expect(page.get_by_role("dialog").locator("pre")).to_be_visible()
        await _dialog(page, "token.png")

        await types(page, "/extauth delete --provider-key google")
        await expect(page.get_by_role("dialog")).to_contain_text("Type the provider key")
        await _dialog(page, "delete.png")

        await types(page, "/extauth get EtGitHub0001 --force-refresh")
        await expect(page.locator("article")).to_have_count(2)
        await page.locator("article").last.screenshot(path=DOCS / "explanation.png")
        await page.screenshot(path=DOCS / "sandbox.png")


async def _dialog(page: Page, name: str) -> None:
    dialog = page.get_by_role("dialog")
    await dialog.screenshot(path=DOCS / name)
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


if __name__ == "__main__":
    asyncio.run(main())
