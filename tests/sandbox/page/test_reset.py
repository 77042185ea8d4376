"""Reset puts the sandbox back to its start."""

from pathlib import Path

from playwright.async_api import BrowserContext as Chromium
from playwright.async_api import expect

from bot.clock import SystemClock
from bot.sandbox.run import open_sandbox
from bot.sandbox.slack.seed_file import plant_file
from bot.sandbox.slack.state import State
from tests.sandbox.page.browser import IN_CHROMIUM, answers, open_page, submit, types

pytestmark = IN_CHROMIUM


async def test_tokens_messages_and_traffic_are_as_at_the_start(chromium: Chromium) -> None:
    async with open_page(chromium) as browser:
        page, other = await browser.tab(), await browser.tab("U0MEMBER")
        state = browser.slack.state
        value = state.tokens["EtGoogle0001"].value
        await types(page, "/extauth get EtGoogle0001 --force-refresh")
        await expect(answers(page)).to_have_count(1)
        await types(other, "hello")
        await expect(page.locator("article.post")).to_have_count(1)
        await page.bring_to_front()
        await types(page, "/extauth delete EtGitHub0001")
        await submit(page).click()
        # Nothing may be on its way anymore, or it would come after the reset.
        await expect(answers(page)).to_have_count(2)
        await state.until(lambda: any("EtGitHub0001" in post.text for post in state.posts))
        assert "EtGitHub0001" not in state.tokens
        await expect(page.locator("dialog")).to_have_count(0)

        await page.get_by_role("button", name="Reset").click()
        await expect(page.get_by_role("status")).to_have_text("The sandbox is back at its start.")
        for tab in (page, other):
            await expect(tab.locator("article")).to_have_count(0)
            await expect(tab.locator(".group")).to_have_count(0)
            await expect(tab.get_by_role("button", name="EtGitHub0001")).to_be_visible()
        assert state.tokens["EtGoogle0001"].value == value
        assert not state.messages

        await types(page, "/extauth get EtGoogle0001")
        await expect(answers(page)).to_have_count(1)


async def test_a_seed_file_is_the_start_it_goes_back_to(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yml"
    seed.write_text("tokens:\n  - {id: EtMine00001, provider: google, value: ya29.mine}\n")
    async with open_sandbox("socket", seed_file=seed) as slack:
        slack.state.tokens.clear()
        seed.unlink()
        slack.state.reset()
        assert list(slack.state.tokens) == ["EtMine00001"]


async def test_what_is_changed_after_a_reset_is_reset_again(tmp_path: Path) -> None:
    state = State(SystemClock())
    seed = tmp_path / "seed.yml"
    seed.write_text(
        "tokens:\n  - {id: EtMine00001, provider: google, value: ya29.mine}\npeople:\n  - {id: U1, name: Eve}\n"
    )
    plant_file(state, seed)
    state.remember_start()
    for _ in range(2):
        state.tokens["EtMine00001"].value = "changed"
        state.people["U1"].is_admin = True
        state.reset()
        assert state.tokens["EtMine00001"].value == "ya29.mine"
        assert not state.people["U1"].is_admin
