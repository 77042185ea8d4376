"""Installations: what is kept can't be read or moved, and each token is renewed once."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr
from slack_sdk.oauth.installation_store import Installation as SlackInstallation
from sqlalchemy import select

from bot.actor import Installation, RenewedToken, Workspace
from bot.storage.address import database_url
from bot.storage.crypto import Vault
from bot.storage.engine import Database, DatabaseError, open_database
from bot.storage.tables import installations
from bot.workspaces.installation_rows import REFRESHING_SECONDS, InstallationRows
from bot.workspaces.installations import FRESH_SECONDS, RENEW_AHEAD_SECONDS, WAIT_SECONDS, StoredInstallations
from tests.audit_log import change
from tests.manual_clock import ManualClock

KEY, OTHER = b"k" * 32, b"o" * 32
HALF_A_DAY = 12 * 3600


class Slack:
    """Renews tokens as Slack does: each refresh token is good once."""

    def __init__(self, *good: str) -> None:
        self.good = {*good}
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def renew(self, refresh_token: SecretStr) -> RenewedToken:
        token = refresh_token.get_secret_value()
        self.asked.append(token)
        await self.may_answer.wait()
        if token not in self.good:
            raise ValueError("invalid_refresh_token")
        self.good = {f"{token}+"}
        return RenewedToken(SecretStr(f"xoxe.xoxb-of-{token}"), SecretStr(f"{token}+"), HALF_A_DAY)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with opened(url) as found:
        yield found


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    found = open_database(database_url(url))
    try:
        yield found
    finally:
        await found.close()


def rows(database: Database, clock: ManualClock, *keys: bytes) -> InstallationRows:
    return InstallationRows(database, Vault(keys or (KEY,)), clock)


def process(database: Database, clock: ManualClock, slack: Slack | None = None) -> StoredInstallations:
    return StoredInstallations(rows(database, clock), (slack or Slack()).renew, clock)


def installed(team: str | None, token: str, enterprise: str | None = None, **more: object) -> SlackInstallation:
    return SlackInstallation(
        team_id=team,
        enterprise_id=enterprise,
        bot_token=token,
        bot_id="B1",
        bot_user_id=f"U-{token[-5:]}",
        bot_scopes="commands,users:read",
        user_id="U1",
        user_token="xoxp-of-the-person",
        is_enterprise_install=team is None,
        **more,  # type: ignore[arg-type]
    )


def expiring(clock: ManualClock, seconds: float = HALF_A_DAY) -> SlackInstallation:
    at = int(clock.now() + seconds)
    return installed("T1", "xoxe.xoxb-first", bot_refresh_token="xoxe-1", bot_token_expires_at=at)


def token(found: Installation | None) -> str | None:
    return None if found is None else found.bot_token.get_secret_value()


async def test_each_workspace_gets_its_own_and_an_organization_serves_the_rest(
    database: Database, clock: ManualClock
) -> None:
    kept = rows(database, clock)
    await kept.async_save(installed("T1", "xoxb-1"))
    await kept.async_save(installed("T2", "xoxb-2", "E1"))
    await kept.async_save(installed(None, "xoxb-org", "E1"))
    found = process(database, clock)
    assert await found.find("T1", None) == Installation(
        Workspace("T1"), SecretStr("xoxb-1"), "U-oxb-1", frozenset({"commands", "users:read"})
    )
    assert token(await found.find("T2", "E1")) == "xoxb-2"
    of_organization = await found.find("T3", "E1")
    assert of_organization is not None
    assert token(of_organization) == "xoxb-org"
    assert of_organization.workspace == Workspace("E1", "E1", is_org_install=True)
    assert await found.find("T3", None) is None
    assert await found.find(None, None) is None
    assert sorted(str(token(one)) for one in await found.all()) == ["xoxb-1", "xoxb-2", "xoxb-org"]


async def test_a_new_installation_takes_the_place_of_the_old_one_within_15_seconds(
    database: Database, clock: ManualClock
) -> None:
    kept, here, there = rows(database, clock), process(database, clock), process(database, clock)
    assert await here.find("T1", None) is None
    await kept.async_save(installed("T1", "xoxb-1"))
    assert token(await here.find("T1", None)) == token(await there.find("T1", None)) == "xoxb-1"
    await kept.async_save(installed("T1", "xoxb-2"))
    here.forget("T1", None)
    assert token(await here.find("T1", None)) == "xoxb-2"
    assert token(await there.find("T1", None)) == "xoxb-1"
    clock.advance(FRESH_SECONDS)
    assert token(await there.find("T1", None)) == "xoxb-2"
    assert await kept.remove("T1", SecretStr("xoxb-2"))
    here.forget("T1", None)
    assert await here.find("T1", None) is None


async def test_what_was_installed_again_is_not_removed_for_its_old_token(
    database: Database, clock: ManualClock
) -> None:
    kept, here = rows(database, clock), process(database, clock)
    await kept.async_save(installed("T1", "xoxb-1"))
    old = await here.find("T1", None)
    assert old is not None
    await kept.async_save(installed("T1", "xoxb-2"))
    assert not await here.remove(old)
    new = await here.find("T1", None)
    assert new is not None
    assert token(new) == "xoxb-2"
    assert await here.remove(new)
    assert await here.find("T1", None) is None
    assert not await here.remove(new)


async def test_no_token_stands_in_the_database_and_nobodys_own_is_kept(database: Database, clock: ManualClock) -> None:
    await rows(database, clock).async_save(expiring(clock))
    written = str(await database.run(lambda connection: connection.execute(select(installations)).all()))
    assert not re.search(r"xox[a-z]\.|xox[a-z]-", written)
    found = await rows(database, clock).find("T1", None)
    assert found is not None
    assert "xoxe.xoxb" not in repr(found) + repr(found.installation)
    opened_content = Vault([KEY]).box("installation").decrypt(await _content(database, "T1"))
    assert opened_content is not None
    assert "xoxp" not in opened_content.get_secret_value()


async def _content(database: Database, workspace_id: str) -> str:
    wanted = select(installations.c.content).where(installations.c.workspace_id == workspace_id)
    return str(await database.run(lambda connection: connection.execute(wanted).scalar_one()))


async def test_another_key_and_another_workspaces_row_are_one_clear_line(
    database: Database, clock: ManualClock, url: str
) -> None:
    kept = rows(database, clock)
    await kept.async_save(installed("T1", "xoxb-1"))
    await kept.async_save(installed("T2", "xoxb-2"))
    with pytest.raises(DatabaseError, match="T1 isn't one that EXTAUTH_SECRET_KEY encrypted"):
        await rows(database, clock, OTHER).find("T1", None)
    moved = "UPDATE installations SET content = (SELECT content FROM installations WHERE workspace_id = 'T2')"
    await change(url, f"{moved} WHERE workspace_id = 'T1'")
    found = process(database, clock)
    with pytest.raises(DatabaseError, match="T1 isn't one that EXTAUTH_SECRET_KEY encrypted"):
        await found.find("T1", None)
    # One that can't be read doesn't keep the others from being served.
    assert [token(one) for one in await found.all()] == ["xoxb-2"]


async def test_an_incomplete_installation_is_not_kept(database: Database, clock: ManualClock) -> None:
    with pytest.raises(DatabaseError, match="Slack didn't say"):
        await rows(database, clock).async_save(installed("T1", ""))


async def test_a_token_that_is_good_for_a_while_is_renewed_meanwhile(database: Database, clock: ManualClock) -> None:
    await rows(database, clock).async_save(expiring(clock))
    slack = Slack("xoxe-1")
    found = process(database, clock, slack)
    clock.advance(HALF_A_DAY - RENEW_AHEAD_SECONDS - 2)
    assert token(await found.find("T1", None)) == "xoxe.xoxb-first"
    assert slack.asked == []
    clock.advance(4)
    slack.may_answer.clear()
    assert token(await found.find("T1", None)) == "xoxe.xoxb-first"
    slack.may_answer.set()
    await found.close()
    assert token(await found.find("T1", None)) == "xoxe.xoxb-of-xoxe-1"
    assert slack.asked == ["xoxe-1"]


async def test_an_expired_token_is_renewed_first_and_then_the_next(database: Database, clock: ManualClock) -> None:
    await rows(database, clock).async_save(expiring(clock, 0))
    slack = Slack("xoxe-1")
    found = process(database, clock, slack)
    assert [token(one) for one in await found.all()] == ["xoxe.xoxb-of-xoxe-1"]
    clock.advance(HALF_A_DAY)
    assert token(await found.find("T1", None)) == "xoxe.xoxb-of-xoxe-1+"
    assert slack.asked == ["xoxe-1", "xoxe-1+"]


async def test_of_many_processes_one_has_a_token_renewed(database: Database, clock: ManualClock, url: str) -> None:
    await rows(database, clock).async_save(expiring(clock, 0))
    slack = Slack("xoxe-1")
    slack.may_answer.clear()
    async with opened(url) as another:
        here, there = process(database, clock, slack), process(another, clock, slack)
        asking = [asyncio.ensure_future(one.find("T1", None)) for one in (here, there, here, there)]
        async with asyncio.timeout(30):
            await clock.until_asleep(0.2)
            slack.may_answer.set()
            while not all(one.done() for one in asking):
                clock.advance_to_next(1)
                await asyncio.sleep(0.002)
        assert {token(one.result()) for one in asking} == {"xoxe.xoxb-of-xoxe-1"}
    assert slack.asked == ["xoxe-1"]


async def test_a_refused_token_is_tried_again_after_a_minute_and_holds_nobody_up(
    database: Database, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    await rows(database, clock).async_save(expiring(clock, 0))
    slack = Slack()
    found = process(database, clock, slack)
    assert token(await found.find("T1", None)) == "xoxe.xoxb-first"
    assert [record.message for record in caplog.records] == ["a token couldn't be renewed"]
    asking = asyncio.ensure_future(found.find("T1", None))
    await clock.until_asleep(0.2)
    clock.advance(WAIT_SECONDS)
    assert token(await asking) == "xoxe.xoxb-first"
    assert slack.asked == ["xoxe-1"]
    slack.good = {"xoxe-1"}
    clock.advance(REFRESHING_SECONDS)
    assert token(await found.find("T1", None)) == "xoxe.xoxb-of-xoxe-1"
    assert "xoxe" not in caplog.text


async def renewing(database: Database, clock: ManualClock) -> tuple[Slack, StoredInstallations, asyncio.Future[Any]]:
    """A process that waits for Slack to renew the token of T1, which is over."""
    await rows(database, clock).async_save(expiring(clock, 0))
    slack = Slack("xoxe-1")
    slack.may_answer.clear()
    found = process(database, clock, slack)
    asking = asyncio.ensure_future(found.find("T1", None))
    async with asyncio.timeout(30):
        while not slack.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    return slack, found, asking


async def test_an_installation_meanwhile_is_not_overwritten_by_a_renewed_token(
    database: Database, clock: ManualClock
) -> None:
    slack, found, asking = await renewing(database, clock)
    await rows(database, clock).async_save(installed("T1", "xoxb-new"))
    slack.may_answer.set()
    await asking
    assert token(await found.find("T1", None)) == "xoxb-new"


async def test_a_renewed_token_survives_a_database_that_fails_for_a_moment(
    database: Database, clock: ManualClock, url: str
) -> None:
    slack, _, asking = await renewing(database, clock)
    await change(url, "ALTER TABLE installations RENAME TO gone")
    slack.may_answer.set()
    await clock.until_asleep(1.0)
    await change(url, "ALTER TABLE gone RENAME TO installations")
    clock.advance(1.0)
    assert token(await asking) == "xoxe.xoxb-of-xoxe-1"
    assert token(await process(database, clock).find("T1", None)) == "xoxe.xoxb-of-xoxe-1"
