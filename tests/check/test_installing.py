"""`check` where many workspaces install the app."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.check import examine
from bot.check.finding import Finding, Status
from bot.clock import SystemClock
from tests.audit_log import change
from tests.installing import ONE, ORGANIZATION, TWO, Many, open_many


@pytest.fixture
async def many(tmp_path: Path) -> AsyncIterator[Many]:
    async with open_many("http", f"sqlite:///{tmp_path}/extauth.db") as opened:
        yield opened


async def findings(many: Many) -> dict[str, Finding]:
    return {finding.subject: finding async for finding in examine(many.configured, SystemClock())}


async def test_everything_works(many: Many) -> None:
    for place in (ONE, TWO, ORGANIZATION):
        await many.install(place)
    found = await findings(many)
    assert {subject: finding.says for subject, finding in found.items() if finding.status is not Status.OK} == {}
    assert found["SLACK_CLIENT_ID"].says == (
        f"Slack accepts the client ID and its secret. People install the app at {many.url}."
    )
    assert found["Installations"].says == "The app is installed in 3 places."
    assert "SLACK_BOT_TOKEN" not in found


async def test_a_wrong_client_and_a_token_that_no_key_reads_are_found(many: Many) -> None:
    await many.install(ONE)
    await change(many.configured.database_url.get_secret_value(), "UPDATE installations SET content = 'nonsense'")
    many.slack.oauth.client_secret = "another"
    found = await findings(many)
    assert found["SLACK_CLIENT_ID"].status is Status.PROBLEM
    assert found["SLACK_CLIENT_ID"].says == "SLACK_CLIENT_SECRET isn't the secret of this client ID."
    assert found["Installations"].says == "1 of 1 can't be read with EXTAUTH_SECRET_KEY."
    many.slack.oauth.client_id = "another"
    assert (await findings(many))["SLACK_CLIENT_ID"].says == "Slack knows no app with this client ID."
