"""Makes the README's pictures: python -m tests.sandbox.page.screenshots [FOLDER], by default into docs/."""

import asyncio
import io
import itertools
import sys
from pathlib import Path

from PIL import Image
from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import Locator, Page, expect

from bot.sandbox.slack.channels import AUDIT_CHANNEL
from bot.views.buttons import Button
from tests.sandbox.page.browser import SCHEMES, ColorScheme, answers, button, open_chromium, open_page, submit, types

DOCS = Path(__file__).parents[3] / "docs"
TOUR_SIZE = (1180, 740)
TOUR_MILLISECONDS = 20_000
TOUR_QUALITY = 80
BLENDS = (0.5,)
BLEND_MILLISECONDS = 100


async def main(folder: Path) -> None:
    async with open_chromium(scale=2) as chromium:
        for scheme in SCHEMES:
            await _pictures(chromium, folder, scheme)
    async with open_chromium() as chromium:
        await _tour(chromium, folder / "tour.webp")


async def _pictures(chromium: Chromium, folder: Path, scheme: ColorScheme) -> None:
    ending = "-dark.png" if scheme == "dark" else ".png"
    async with open_page(chromium, color_scheme=scheme) as browser:
        page = await browser.tab()
        await types(page, "/extauth get EtSalesforce1")
        await expect(answers(page)).to_have_count(1)
        await _picture(page, answers(page), folder / f"masked{ending}")

        await button(page, Button.SHOW).click()
        await expect(page.locator("dialog pre")).to_be_visible()
        await _picture(page, page.locator("dialog"), folder / f"token{ending}")
        await _close(page)

        await types(page, "/extauth delete --provider-key google")
        await expect(submit(page)).to_be_visible()
        await _picture(page, page.locator("dialog"), folder / f"delete{ending}")
        await _close(page)

        await types(page, "/extauth get EtGitHub0001 --force-refresh")
        await expect(answers(page)).to_have_count(2)
        await _picture(page, answers(page).last, folder / f"explanation{ending}")
        await page.locator("#tab-traffic").click()
        await _picture(page, page.locator("body"), folder / f"sandbox{ending}")


async def _picture(page: Page, subject: Locator, path: Path) -> None:
    await _settled(page)
    await subject.screenshot(path=path)


async def _settled(page: Page) -> None:
    """Wait until nothing spins, with neither the mouse nor the keyboard leaving a trace."""
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement.blur()")


async def _close(page: Page) -> None:
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)


async def _tour(chromium: Chromium, path: Path) -> None:
    """The guided tour as an animation: each frame stands as long as it takes to read."""
    frames: list[tuple[Image.Image, int]] = []
    async with open_page(chromium, size=TOUR_SIZE) as browser:
        page = await browser.tab()

        async def frame(weight: int) -> None:
            await expect(page.locator("[aria-busy=true]")).to_have_count(0)
            frames.append((Image.open(io.BytesIO(await page.screenshot())).convert("RGB"), weight))

        async def step(number: int, weight: int) -> None:
            await expect(page.locator("#tour .step")).to_have_text(f"Step {number} of 6")
            await frame(weight)

        await frame(9)
        await page.get_by_role("button", name="Take the tour").click()
        await step(1, 8)
        await page.keyboard.press("Enter")
        await step(2, 10)
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog pre")).to_be_visible()
        await frame(9)
        await page.keyboard.press("Escape")
        await step(3, 8)
        await page.keyboard.press("Enter")
        await step(4, 8)
        await page.keyboard.press("Enter")
        await step(5, 11)
        await page.keyboard.press("Enter")
        await expect(submit(page)).to_be_visible()
        await frame(9)
        await submit(page).click()
        await step(6, 7)
        await page.locator(f'[data-place="{AUDIT_CHANNEL}"]').click()
        await expect(page.get_by_role("heading", name="That's the tour")).to_be_visible()
        await frame(12)
    _animate(frames, path)


def _animate(frames: list[tuple[Image.Image, int]], path: Path) -> None:
    """Write the frames, each for its share of the time, and between any two a short blend."""
    total = sum(weight for _, weight in frames)
    left = TOUR_MILLISECONDS - BLEND_MILLISECONDS * len(BLENDS) * (len(frames) - 1)
    images, durations = [frames[0][0]], [frames[0][1] * left // total]
    for (before, _), (after, weight) in itertools.pairwise(frames):
        images += [*(Image.blend(before, after, share) for share in BLENDS), after]
        durations += [*(BLEND_MILLISECONDS for _ in BLENDS), weight * left // total]
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=durations, loop=0, quality=TOUR_QUALITY, method=6
    )


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    chosen.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(chosen))
