"""Several workspaces and an organization install the bot, and each has it to itself."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, quote

import pytest

from bot.sandbox.slack.oauth import TOKEN_SECONDS
from bot.settings import Transport
from bot.workspaces.oauth_states import STATE_SECONDS
from tests.audit_log import change
from tests.databases import DATABASES, started_database
from tests.harness import ADMIN, Harness, over_both_transports
from tests.installing import BLUE, ONE, ORGANIZATION, RED, SECRET_KEY, TWO, Many, link, open_many

NOT_INSTALLED = "Extauth isn't installed in this workspace"


@pytest.fixture(params=DATABASES)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A database of each kind, on which a bot for many workspaces has started."""
    async with started_database(request.param, tmp_path, SECRET_KEY) as address:
        yield address


@pytest.fixture
async def many(transport: Transport, url: str, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Many]:
    caplog.set_level(logging.DEBUG, "bot")
    async with open_many(transport, url) as opened:
        yield opened


def methods(many: Many, team_id: str) -> list[str]:
    """Return the methods that the bot has called with this workspace's token."""
    return [exchange.kind for exchange in many.workspace(team_id).state.traffic if exchange.direction == "bot"]


async def test_each_workspace_and_organization_has_only_its_own(many: Many) -> None:
    for place in (ONE, TWO, ORGANIZATION):
        done = await many.install(place)
        assert done.status == 200
        assert "Extauth is installed" in done.text
    for team in (ONE, TWO, RED):
        people, seen = many.people_of(team), {one: methods(many, one) for one in (ONE, TWO, RED)}
        (value,) = {token.value for token in people.state.tokens.values() if token.token_id == "EtGitHub0001"}
        dialog = await people.opens("/extauth get EtGitHub0001 --show")
        assert value in people.read(dialog)
        assert {one for one in seen if methods(many, one) != seen[one]} == {team}
        people.workspace.close(dialog)
        history = people.read(await people.types("/extauth history"))
        assert history.count("EtGitHub0001") == 1
    assert "EtGoogle0001" in many.people_of(BLUE).read(await many.people_of(BLUE).types("/extauth get EtGoogle0001"))


async def test_an_organizations_people_act_only_in_their_own_workspaces(many: Many) -> None:
    await many.install(ORGANIZATION)
    people = many.people_of(RED)
    for team, is_theirs in ((RED, True), (BLUE, True), (ORGANIZATION, True), (TWO, False)):
        # As a modal's payload has it in a channel shared with others: their workspace, and one's own organization.
        people.workspace.team_id = team
        read = people.read(await people.types("/extauth history"))
        assert ("isn't installed in your workspace" in read) is not is_theirs, read


async def test_a_workspace_that_is_not_installed_gets_told_how(many: Many) -> None:
    await many.install(ONE)
    people = many.people_of(TWO)
    read = people.read(await people.types("/extauth get EtGoogle0001"))
    assert NOT_INSTALLED in read
    assert f"{many.url}/slack/install" in read
    assert "apps.auth.external.get" not in methods(many, TWO)
    await many.install(TWO)
    assert NOT_INSTALLED not in people.read(await people.types("/extauth get EtGoogle0001"))


async def gone(many: Many, team_id: str) -> None:
    """Wait until commands are told that the bot isn't installed."""
    people = many.people_of(team_id)
    async with asyncio.timeout(30):
        while NOT_INSTALLED not in people.read(await people.types("/extauth help")):
            many.clock.advance(1)


@over_both_transports
async def test_what_is_uninstalled_is_removed_and_nobody_else_notices(many: Many) -> None:
    for place in (ONE, TWO, ORGANIZATION):
        await many.install(place)
    people = many.people_of(ONE)
    await people.types("/extauth get EtGitHub0001")
    for place, team in ((ONE, ONE), (ORGANIZATION, BLUE)):
        assert await many.slack.uninstall(place)
        await gone(many, team)
        other = many.people_of(TWO)
        assert NOT_INSTALLED not in other.read(await other.types("/extauth help"))
    await many.install(ONE)
    # What was done before is still on record.
    assert "EtGitHub0001" in people.read(await people.types("/extauth history"))


async def test_an_old_event_does_not_remove_what_was_installed_since(many: Many) -> None:
    await many.install(ONE)
    await many.install(ONE)
    people = many.people_of(ONE)
    asked = methods(many, ONE).count("auth.test")
    assert await people.workspace.tell_uninstalled()
    await people.state.until(lambda: methods(many, ONE).count("auth.test") == asked + 2)
    many.clock.advance(60)
    assert NOT_INSTALLED not in people.read(await people.types("/extauth get EtGoogle0001"))


async def test_nothing_is_removed_while_slack_does_not_say_that_the_token_is_refused(many: Many) -> None:
    await many.install(ORGANIZATION)
    people = many.people_of(RED)

    async def tried(count: int) -> None:
        asked = methods(many, RED).count("auth.test") + count
        many.clock.advance(60)
        await people.state.until(lambda: methods(many, RED).count("auth.test") >= asked)

    api = many.web_api_of(RED)
    api.failures["auth.test"] = "fatal_error"
    assert await people.workspace.tell_uninstalled()
    await tried(2)
    assert "EtGoogle0001" in people.read(await people.types("/extauth get EtGoogle0001"))
    api.failures["auth.test"] = "account_inactive"
    await gone(many, RED)


async def test_who_installs_again_is_served_with_the_new_token_at_once(tmp_path: Path) -> None:
    async with open_many("http", f"sqlite:///{tmp_path}/extauth.db") as many:
        people = many.people_of(ONE)
        await many.install(ONE)
        await people.types("/extauth get EtGoogle0001")
        (old,) = people.state.grants
        many.slack.web_api.revoke(old, "token_revoked")
        await many.install(ONE)
        assert "EtGoogle0001" in people.read(dialog := await people.opens("/extauth get EtGoogle0001 --show"))
        assert "token_revoked" not in people.read(dialog)


async def answered(people: Harness) -> None:
    """Wait until every command that was acknowledged so far has its answer."""

    def count(kind: str) -> int:
        return sum(exchange.kind == kind for exchange in people.state.traffic)

    await people.state.until(lambda: count("response_url") >= count("acknowledgement"))


async def test_tokens_that_expire_are_renewed_without_a_command_lost(many: Many) -> None:
    many.slack.oauth.rotates = True
    for place in (ONE, ORGANIZATION):
        await many.install(place)
    for _ in range(2):
        many.clock.advance(TOKEN_SECONDS)
        for team in (ONE, RED, BLUE):
            people = many.people_of(team)
            # Twelve hours at once are too long a silence for a Socket Mode connection: it's opened again.
            for _ in range(10):
                if await people.workspace.command(ADMIN, "/extauth help"):
                    break
                many.clock.advance(5)
            sent = asyncio.gather(*(people.workspace.command(ADMIN, "/extauth get EtGoogle0001") for _ in range(3)))
            # Where the other process is having the token renewed, this one looks again every 0.2 seconds.
            while not sent.done():
                many.clock.advance(0.2)
                await asyncio.sleep(0.05)
            assert any(await sent)
            await answered(people)
    assert many.slack.oauth.refused == []


@pytest.mark.parametrize(
    ("team_id", "organization", "is_let_in"),
    [
        (RED, {"teams": [BLUE, RED]}, True),
        (BLUE, {"teams": [BLUE, RED]}, False),
        (BLUE, {"teams": [BLUE, RED], "is_admin": True}, True),
        (BLUE, {"teams": [BLUE, RED], "is_owner": True}, True),
        (RED, {"teams": [BLUE]}, True),
        (RED, {}, False),
        (BLUE, {"teams": [BLUE], "is_admin": True}, False),
        (RED, {"teams": None, "is_admin": True}, False),
    ],
)
async def test_of_an_organization_only_who_slack_calls_an_admin_of_this_workspace_is_one(
    team_id: str, organization: dict[str, object], is_let_in: bool, tmp_path: Path
) -> None:
    async with open_many("http", f"sqlite:///{tmp_path}/extauth.db") as many:
        await many.install(ORGANIZATION)
        people = many.people_of(RED)
        # The flags of users.info are about the workspace that it names.
        person = people.state.people[ADMIN]
        person.team_id, person.enterprise_user = team_id, {"enterprise_id": ORGANIZATION, **organization}
        answer = people.read(await people.types("/extauth get EtGoogle0001"))
        assert ("[Show token]" in answer) is is_let_in


async def test_the_pages_say_what_is_asked_for_and_keep_to_themselves(many: Many) -> None:
    page = await many.browser().get(f"{many.url}/slack/install")
    for scope in ("chat:write", "commands", "usergroups:read", "users:read", "files:write"):
        assert f"<dt>{scope}</dt>" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Server"] == "Extauth"
    done = await many.install(ONE)
    assert link(done, "Open Extauth in Slack") == f"{many.slack.base_url}/app_redirect?app=A0SANDBOX&team={ONE}"
    async with many.session.post(f"{many.url}/slack/install") as response:
        assert response.status == 405


async def test_a_link_cannot_change_what_slack_is_asked_for(many: Many) -> None:
    async def asked(query: str) -> dict[str, list[str]]:
        started = await many.browser().get(f"{many.url}/slack/install/start{query}")
        assert started.status == 302
        found = parse_qs(started.headers["Location"].partition("?")[2], keep_blank_values=True)
        assert len(found.pop("state")) == 1
        return found

    usual = await asked("")
    for added in ("redirect_uri=https://evil.example", "user_scope=admin", "scope=channels:history", "state=known"):
        assert await asked("?team=" + quote(f"T0ONE&{added}")) == usual
        assert await asked("?team=" + quote(quote(f"T0ONE&{added}"))) == usual
        assert await asked("?" + added) == usual
    assert await asked("?team=T0ONE%0d%0aSet-Cookie:%20a=b") == usual


async def test_a_state_is_good_once_in_its_own_browser_for_ten_minutes(
    many: Many, caplog: pytest.LogCaptureFixture
) -> None:
    victim, thief = many.browser(), many.browser()
    back = await victim.answers(many.slack.base_url, await victim.asks(many.url), "Allow in One")
    stolen = await thief.get(back)
    assert stolen.status == 400
    assert "began somewhere else" in stolen.text
    # A thief who has begun an installation too doesn't get any further.
    await thief.asks(many.url)
    assert "began somewhere else" in (await thief.get(back)).text
    assert not many.workspace(ONE).state.grants
    cookie = victim.cookie
    assert (await victim.get(back)).status == 200
    victim.cookie = cookie
    granted = dict(many.workspace(ONE).state.grants)
    assert "Extauth is installed" in (await victim.get(back)).text, "reloaded"
    assert many.workspace(ONE).state.grants == granted
    late = await victim.answers(many.slack.base_url, await victim.asks(many.url), "Allow in Two")
    many.clock.advance(STATE_SECONDS + 1)
    assert "was used or is too old" in (await victim.get(late)).text
    assert not many.workspace(TWO).state.grants
    assert_not_logged(caplog, back, late, str(cookie))


async def test_an_installation_that_was_not_saved_is_not_said_to_be_done(many: Many, url: str) -> None:
    browser = many.browser()
    back = await browser.answers(many.slack.base_url, await browser.asks(many.url), "Allow in One")
    cookie = browser.cookie
    await change(url, "ALTER TABLE installations RENAME TO elsewhere")
    assert (await browser.get(back)).status == 503
    await change(url, "ALTER TABLE elsewhere RENAME TO installations")
    browser.cookie = cookie
    again = await browser.get(back)
    assert (again.status, "was used or is too old" in again.text) == (400, True)
    many_people = many.people_of(ONE)
    assert NOT_INSTALLED in many_people.read(await many_people.types("/extauth help"))
    assert "Extauth is installed" in (await many.install(ONE)).text


def assert_not_logged(caplog: pytest.LogCaptureFixture, *secrets: str) -> None:
    printed = "\n".join(str(record.__dict__) + record.getMessage() for record in caplog.records)
    for secret in secrets:
        for part in secret.partition("?")[2].split("&") if "?" in secret else [secret]:
            assert part.partition("=")[2] not in printed or "=" not in part
    assert "xoxb-sandbox" not in printed
    assert "xoxe" not in printed


async def test_what_slack_or_the_person_refuses_is_explained(many: Many, caplog: pytest.LogCaptureFixture) -> None:
    browser = many.browser()
    canceled = await browser.get(await browser.answers(many.slack.base_url, await browser.asks(many.url), "Cancel"))
    assert (canceled.status, "You canceled" in canceled.text) == (200, True)
    odd = await browser.get(f"{many.url}/slack/oauth_redirect?error=%3Cscript%3Ealert(1)%3C/script%3E")
    assert (odd.status, "<script>" in odd.text, "unknown" in odd.text) == (400, False, True)
    back = await browser.answers(many.slack.base_url, await browser.asks(many.url), "Allow in One")
    secret, many.slack.oauth.client_secret = many.slack.oauth.client_secret, "another"
    refused = await browser.get(back)
    assert (refused.status, "bad_client_secret" in refused.text) == (400, True)
    many.slack.oauth.client_secret = secret
    back = await browser.answers(many.slack.base_url, await browser.asks(many.url), "Allow in One")
    await many.slack.stop_listening()
    unreachable = await browser.get(back)
    assert (unreachable.status, "Slack can't be reached" in unreachable.text) == (502, True)
    await many.slack.listen()
    assert not many.workspace(ONE).state.grants
    assert secret not in str([record.__dict__ for record in caplog.records])
    assert_not_logged(caplog, back)


async def test_strangers_with_invented_codes_hold_up_nobody_and_fill_no_log(
    many: Many, caplog: pytest.LogCaptureFixture
) -> None:
    await many.install(ONE)
    browser = many.browser()
    back = await browser.answers(many.slack.base_url, await browser.asks(many.url), "Allow in One")
    invented = re.sub("code=[^&]+", "code=invented", back)
    many.slack.web_api.delays["oauth.v2.access"] = 1.0
    trading = [asyncio.ensure_future(browser.get(invented)) for _ in range(50)]
    async with asyncio.timeout(20):
        while len(waiting := [task for task in trading if not task.done()]) > 4:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    many.clock.advance(1)
    assert sorted(one.status for one in await asyncio.gather(*trading)) == [400] * 4 + [503] * 46
    assert any("Too many installations at once" in one.text for one in await asyncio.gather(*trading))
    for _ in range(50):
        await browser.get(f"{many.url}/slack/oauth_redirect?error=access_denied")
    assert sum(record.levelno >= logging.WARNING for record in caplog.records) <= 2
