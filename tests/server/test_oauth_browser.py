"""The app is installed with a real browser: Extauth's page, Slack's page, and back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, ConsoleMessage, Page, async_playwright, expect

from bot.app import INSTALL_PATH
from tests.installing import ONE, ORGANIZATION, RED, TWO, Many, open_many
from tests.sandbox.page.browser import CHROMIUM


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    if not CHROMIUM:
        pytest.skip("no Chromium here: install Debian's package chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def many(tmp_path: Path) -> AsyncIterator[Many]:
    async with open_many("http", f"sqlite:///{tmp_path}/extauth.db") as opened:
        yield opened


async def visit(context: BrowserContext, url: str) -> tuple[Page, list[str]]:
    """Open a tab, and keep what the browser complains about on pages of this address."""
    page = await context.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and message.location["url"].startswith(url.removesuffix(INSTALL_PATH)):
            complaints.append(message.text)

    page.on("console", note)
    await page.goto(url)
    return page, complaints


@pytest.mark.page
async def test_two_workspaces_and_an_organization_are_installed(many: Many, chromium: Chromium) -> None:
    context = await chromium.new_context()
    for place, name, team in ((ONE, "One", ONE), (TWO, "Two", TWO), (ORGANIZATION, "Big", RED)):
        page, complaints = await visit(context, f"{many.url}/slack/install")
        await expect(page.get_by_role("heading", name="Add Extauth to Slack")).to_be_visible()
        await page.get_by_role("link", name="Add to Slack").click()
        await expect(page.get_by_role("heading", name="Extauth is requesting permission")).to_be_visible()
        await page.get_by_role("link", name=f"Allow in {name}").click()
        await expect(page.get_by_role("heading", name="Extauth is installed")).to_be_visible()
        # The style is applied although nothing else is allowed, and the code is for nobody's next site.
        assert await page.evaluate("getComputedStyle(document.querySelector('.button')).color") == "rgb(255, 255, 255)"
        assert complaints == []
        people = many.people_of(team)
        assert "EtGoogle0001" in people.read(await people.types("/extauth get EtGoogle0001"))
        await page.get_by_role("link", name="Open Extauth in Slack").click()
        await expect(page.get_by_text("The App Home of A0SANDBOX")).to_be_visible()
        assert many.slack.oauth.places[place].workspaces[0].grants
    await context.close()


@pytest.mark.page
async def test_a_stolen_or_replayed_link_installs_nothing(many: Many, chromium: Chromium) -> None:
    victim, thief = await chromium.new_context(), await chromium.new_context()
    page, _ = await visit(victim, f"{many.url}/slack/install")
    await page.get_by_role("link", name="Add to Slack").click()
    # What Slack sends the browser back with falls into other hands on the way.
    allowing = await page.get_by_role("link", name="Allow in One").get_attribute("href")
    answered = await victim.request.get(f"{many.slack.base_url}{allowing}", max_redirects=0)
    back = answered.headers["location"]
    stolen, _ = await visit(thief, back)
    await expect(stolen.get_by_role("heading", name="This installation began somewhere else")).to_be_visible()
    assert not many.workspace(ONE).state.grants
    await page.goto(back)
    await expect(page.get_by_role("heading", name="Extauth is installed")).to_be_visible()
    granted = dict(many.workspace(ONE).state.grants)
    await page.goto(back)
    await expect(page.get_by_role("heading", name="Extauth is installed")).to_be_visible()
    assert many.workspace(ONE).state.grants == granted
    for context in (victim, thief):
        await context.close()
