"""Two workspaces and an organization, served at the same time by two processes over HTTP and two over Socket Mode."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, async_playwright, expect

from bot.sandbox.slack.state import OpenView
from bot.workspaces.registry import FRESH_SECONDS
from tests.acknowledged import verified_entries
from tests.fleet import KEY, PROCESSES, Fleet, open_fleet
from tests.harness import ADMIN, MEMBER
from tests.installing import BLUE, ONE, ORGANIZATION, RED, TWO
from tests.sandbox.page.browser import CHROMIUM

pytestmark = [pytest.mark.fleet, pytest.mark.process]

NEW_KEY = "the-second-key-of-the-fleet-" * 2
HOUR = 3600
GET, FETCHED = "/extauth get EtGoogle0001", "[Show token]"
NOT_INSTALLED = "Extauth isn't installed in this workspace"
MARGIN_SECONDS = 30.0
"""How much longer a busy machine may take to say what every process must know by then."""


@asynccontextmanager
async def real_browser() -> AsyncIterator[BrowserContext | None]:
    """Somebody's Chromium; None where there is none."""
    if not CHROMIUM:
        yield None
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield await browser.new_context()
        await browser.close()


async def install(fleet: Fleet, browser: BrowserContext | None, place_id: str) -> None:
    """Install the app as a person does."""
    if browser is None:
        assert "Extauth is installed" in (await fleet.many.install(place_id)).text
        return
    page = await browser.new_page()
    await page.goto(f"{fleet.many.url}/slack/install")
    await page.get_by_role("link", name="Add to Slack").click()
    await page.get_by_role("link", name=f"Allow in {fleet.slack.oauth.places[place_id].name}").click()
    await expect(page.get_by_role("heading", name="Extauth is installed")).to_be_visible()
    await page.close()


async def a_stolen_or_replayed_link_installs_nothing(fleet: Fleet) -> None:
    victim, thief = fleet.many.browser(), fleet.many.browser()
    back = await victim.answers(fleet.slack.base_url, await victim.asks(fleet.many.url), "Allow in One")
    granted = dict(fleet.many.workspace(ONE).state.grants)
    await thief.asks(fleet.many.url)
    # Whichever process is asked.
    for stolen in await asyncio.gather(*(thief.get(back) for _ in range(PROCESSES))):
        assert (stolen.status, "began somewhere else" in stolen.text) == (400, True)
    assert fleet.many.workspace(ONE).state.grants == granted
    installed = await asyncio.gather(*(victim.get(back) for _ in range(PROCESSES)))
    assert sorted(page.status for page in installed) == [200, 400, 400, 400]
    assert len(fleet.many.workspace(ONE).state.grants) == len(granted) + 1
    # Of those that came at once, Slack took the code from one.
    assert {*fleet.slack.oauth.refused} <= {"invalid_code"}
    fleet.slack.oauth.refused.clear()


async def each_sees_only_its_own(fleet: Fleet) -> None:
    teams = (ONE, TWO, RED)
    for team in (RED, BLUE):
        # Of an organization, Slack says only of one workspace whether somebody is an admin there.
        person = fleet.many.people_of(team).state.people[ADMIN]
        person.enterprise_user = {**(person.enterprise_user or {}), "is_admin": True}
    for team in teams:
        tokens = fleet.many.workspace(team).state.tokens
        tokens["EtGitHub0001"].account = f"codes-in-{team}"
    for team in teams:
        people = fleet.many.people_of(team)
        for _ in range(2):
            dialog = await people.opens("/extauth get EtGitHub0001 --show")
            values = {one: fleet.many.workspace(one).state.tokens["EtGitHub0001"].value for one in teams}
            assert [one for one in teams if values[one] in people.read(dialog)] == [team]
            people.workspace.close(dialog)
        for listed in await fleet.asks(team, "/extauth list"):
            assert [one for one in teams if f"codes-in-{one}" in listed] == [team]
        # Each has fetched so many by now.
        assert {read.count("EtGitHub0001") for read in await fleet.asks(team, "/extauth history 25")} == {2}
    # Of two workspaces of an organization, too.
    await fleet.asks(BLUE, GET)
    for read in await fleet.asks(BLUE, "/extauth history 25"):
        assert ("EtGoogle0001" in read, "EtGitHub0001" in read) == (True, False)
    entries = [entry for entry in await exported(fleet) if entry["action"] != "began"]
    assert {entry["team_id"] for entry in entries} == {ONE, TWO, RED, BLUE}
    for team in teams:
        assert await exported(fleet, team) == [entry for entry in entries if entry["team_id"] == team]


async def exported(fleet: Fleet, team_id: str | None = None) -> list[dict[str, Any]]:
    """The entries of one workspace, or of all, as an operator gets them."""
    said = await fleet.command("audit", "export", *(["--workspace", team_id] if team_id else []))
    assert said.returncode == 0, said.stderr
    return [json.loads(line) for line in said.stdout.splitlines()]


async def open_settings(fleet: Fleet, team_id: str) -> OpenView:
    people = fleet.many.people_of(team_id)
    assert await people.workspace.open_home(ADMIN)
    await people.state.until(lambda: ADMIN in people.state.homes)
    assert await people.workspace.press_in_dialog(people.state.homes[ADMIN], "Settings…")
    await people.state.until(lambda: people.workspace.dialog(ADMIN) is not None)
    return await people.dialog()


async def settings_are_one_workspaces(fleet: Fleet) -> None:
    await asyncio.gather(*(fleet.until_all_answer(team, GET, MEMBER, "denied", 60) for team in (ONE, RED)))
    people, view = fleet.many.people_of(ONE), await open_settings(fleet, ONE)
    assert "saved" in people.read(await people.submits(view, get_allow="members"))
    people.workspace.close(view)
    await fleet.until_all_answer(ONE, GET, MEMBER, "fetched", FRESH_SECONDS + MARGIN_SECONDS)
    await fleet.until_all_answer(RED, GET, MEMBER, "denied", 60)


async def what_is_uninstalled_is_told_how_to_install(fleet: Fleet) -> None:
    before = await exported(fleet, TWO)
    assert await fleet.slack.uninstall(TWO)
    async with asyncio.timeout(FRESH_SECONDS + MARGIN_SECONDS):
        while not all(NOT_INSTALLED in said for said in (await fleet.asks(TWO, GET))):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert f"{fleet.many.url}/slack/install" in (await fleet.asks(TWO, "/extauth help"))[0]
    after = await exported(fleet, TWO)
    assert after[: len(before)] == before
    listed = await fleet.command("audit", "list", "--workspace", TWO, "-n", "1000")
    assert listed.stdout.count("EtGitHub0001") == 2


async def tokens_are_renewed_once_each(fleet: Fleet) -> None:
    """With less than two hours left, every process that reads a token wants another."""
    oauth, state = fleet.slack.oauth, fleet.many.workspace(BLUE).state

    async def serves_and_renews(count: int) -> None:
        before = len(state.grants)
        for said in await asyncio.gather(*(fleet.asks(team, GET, count=count) for team in (RED, BLUE))):
            assert all(FETCHED in one for one in said)
        async with asyncio.timeout(60):
            # Who still remembers the token before the last finds the last one, and no reason for another.
            while len(state.grants) == before:
                await fleet.asks(BLUE, GET)

    await serves_and_renews(2 * PROCESSES)
    oauth.token_seconds = 1
    await serves_and_renews(1)
    async with asyncio.timeout(30):
        while state.refusal([*state.grants][-1]) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    oauth.token_seconds = HOUR
    # The token of all is over now, and one of them renews it for all.
    await serves_and_renews(2 * PROCESSES)
    assert oauth.refused == []


async def the_key_is_changed_while_all_serve(fleet: Fleet) -> None:
    """As docs/operating/secrets.md says."""
    await restart_all(fleet, f"{NEW_KEY},{KEY}")
    rotating = asyncio.ensure_future(fleet.command("keys", "rotate"))
    while not rotating.done():
        assert all(FETCHED in said for said in await fleet.asks(ONE, GET))
    rotated = await rotating
    assert (rotated.returncode, rotated.stderr) == (0, "")
    # One at least: the organization's token may have been renewed since, and kept under the new key.
    assert re.search("1 audit log key, [12] installations?, 1 workspace's settings", rotated.stdout)
    await restart_all(fleet, NEW_KEY)
    for team in (ONE, RED):
        assert all(FETCHED in said for said in await fleet.asks(team, GET))
    # Each workspace's settings could be read, too.
    assert all(FETCHED in said for said in await fleet.asks(ONE, GET, MEMBER))
    verified = await fleet.command("audit", "verify")
    assert verified.stdout.startswith("The audit log is intact")
    assert await verified_entries(fleet.database_url, EXTAUTH_SECRET_KEY=NEW_KEY)


async def restart_all(fleet: Fleet, key: str) -> None:
    assert await fleet.stop_all() == [0] * PROCESSES
    fleet.key = key
    await fleet.start_all()


async def a_wrong_key_is_told_in_a_line(fleet: Fleet) -> None:
    for words in (["socket"], ["http"], ["audit", "verify"], ["keys", "rotate"]):
        said = await fleet.command(*words, EXTAUTH_SECRET_KEY=KEY)
        assert (said.returncode, said.stdout) == (1, ""), words
        (line,) = said.stderr.splitlines()
        assert line.startswith("extauth: ")
        assert "EXTAUTH_SECRET_KEY" in line


@pytest.mark.slow
async def test_four_processes_serve_two_workspaces_and_an_organization(tmp_path: Path) -> None:
    async with open_fleet(tmp_path) as fleet, real_browser() as browser:
        await a_stolen_or_replayed_link_installs_nothing(fleet)
        for place in (ONE, TWO):
            await install(fleet, browser, place)
        # The organization comes after token rotation was turned on.
        fleet.slack.oauth.rotates, fleet.slack.oauth.token_seconds = True, HOUR
        await install(fleet, browser, ORGANIZATION)
        await each_sees_only_its_own(fleet)
        await asyncio.gather(
            settings_are_one_workspaces(fleet),
            what_is_uninstalled_is_told_how_to_install(fleet),
            tokens_are_renewed_once_each(fleet),
        )
        await the_key_is_changed_while_all_serve(fleet)
        await a_wrong_key_is_told_in_a_line(fleet)
        assert await fleet.stop_all() == [0] * PROCESSES
        assert fleet.slack.oauth.refused == []
        printed = "".join(fleet.printed)
        assert "Traceback" not in printed
        secrets = {secret for one in fleet.slack.more.values() for secret in (*one.state.grants, *one.state.secrets)}
        assert [secret for secret in secrets if secret in printed] == []
