"""`extauth test --all`, as an operator or a platform's scheduler runs it."""

import asyncio
import json
import subprocess

import pytest

from bot.operation import Operation
from bot.sandbox.slack.server import SimulatedSlack
from tests.bot_process import environment, simulated_slack
from tests.explanations.expected import title
from tests.forked import run

GET, LIST = "apps.auth.external.get", "apps.auth.external.list"
ALL = ["test", "--all"]


async def ran(slack: SimulatedSlack, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(run, [*ALL, *words], environment(slack, **more))


def expire(slack: SimulatedSlack, token_id: str) -> None:
    token = slack.state.tokens[token_id]
    token.is_expired, token.has_refresh_token = True, False


def posts(slack: SimulatedSlack) -> list[str]:
    return [str(one.body["text"]) for one in slack.state.traffic if one.kind == "chat.postMessage"]


@pytest.mark.process
async def test_all_work_then_one_does_not_and_only_that_change_is_posted() -> None:
    async with simulated_slack() as slack:
        first = await ran(slack, EXTAUTH_AUDIT_CHANNEL="C0AUDIT")
        assert (first.returncode, first.stdout, first.stderr) == (0, "6 of 6 accounts work.\n", "")
        assert posts(slack) == []
        expire(slack, "EtGoogle0002")
        for _ in range(2):
            second = await ran(slack, EXTAUTH_AUDIT_CHANNEL="C0AUDIT")
            assert (second.returncode, second.stderr) == (1, "")
            assert second.stdout.startswith(
                "TOKEN ID      PROVIDER  STATE    CODE\n"
                "EtGoogle0002  google    expired  no_refresh_token\n\n"
                f"no_refresh_token: {title('no_refresh_token', Operation.TEST)}. Reconnect the account"
            )
            assert second.stdout.endswith("\n5 of 6 accounts work.\n")
        [told] = posts(slack)
        assert "✕ *Stopped working: 1*" in told
        assert [one.kind for one in slack.state.traffic].count("users.info") == 0
        assert not [token for token in slack.state.tokens.values() if token.value in second.stdout + told]


@pytest.mark.process
async def test_json_is_one_object() -> None:
    async with simulated_slack() as slack:
        expire(slack, "EtGoogle0002")
        found = await ran(slack, "--json")
        assert found.returncode == 1
        told = json.loads(found.stdout)
        broken = {"external_token_id": "EtGoogle0002", "provider_key": "google", "state": "expired"}
        assert (told["accounts"], told["work"]) == (6, 5)
        assert told["broken"] == [{**broken, "code": "no_refresh_token"}]
        assert (told["not_tested"], told["list_error"]) == ([], None)
        assert [one["change"] for one in told["changed"]] == ["new and broken"]


@pytest.mark.process
@pytest.mark.parametrize(
    ("failures", "says"),
    [
        ({LIST: "not_allowed_token_type"}, "The accounts couldn't be listed: Extauth's token can't list"),
        ({"auth.test": "invalid_auth"}, "extauth: Slack didn't say which workspace SLACK_BOT_TOKEN is of."),
        ({GET: "internal_error"}, "0 of 6 accounts work."),
    ],
)
async def test_what_could_not_be_tested_is_status_2(failures: dict[str, str], says: str) -> None:
    async with simulated_slack() as slack:
        slack.web_api.failures.update(failures)
        found = await ran(slack)
        assert (found.returncode, says in found.stdout + found.stderr) == (2, True)


@pytest.mark.process
async def test_nothing_connected_and_no_database() -> None:
    async with simulated_slack() as slack:
        slack.state.tokens.clear()
        empty = await ran(slack)
        assert (empty.returncode, empty.stdout) == (0, "Nobody has connected an account yet.\n")
        unusable = await ran(slack, DATABASE_URL="sqlite:////nowhere/at/all.db")
        assert unusable.returncode == 2
        assert "The database of DATABASE_URL can't be used" in unusable.stderr
        without = await asyncio.to_thread(run, ["test"], environment(slack))
        assert without.returncode == 2
        assert "Missing option '--all'" in without.stderr
