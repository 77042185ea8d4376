"""Tests that run by themselves, as the audit channel and the people of a workspace notice them."""

from bot.background.scheduled_tests import LOOK_SECONDS
from bot.background.tasks import NO_CHECKPOINT
from bot.operation import Operation
from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.state import StoredToken
from bot.settings import Transport
from tests.harness import ADMIN, Harness, open_harness

GET, LIST = "apps.auth.external.get", "apps.auth.external.list"
DAY = 24 * 3600.0
DAILY = {"EXTAUTH_TEST_EVERY": "24h", "EXTAUTH_AUDIT_CHANNEL": "C0AUDIT", "EXTAUTH_CONTACT": "U0OWNER"}
ACCOUNTS = 6
HALF = 25
"""The number of tests in a minute: half of Slack's limit."""


def posts(harness: Harness) -> list[str]:
    """Return the audit channel's messages, but for checkpoints."""
    messages = [message for message in harness.calls("chat.postMessage") if message["channel"] == "C0AUDIT"]
    lines = [line for message in messages for line in str(message["text"]).split("\n")]
    told = "\n".join(line for line in lines if "extauth-checkpoint" not in line and line != NO_CHECKPOINT)
    return [text for text in told.split("*Extauth ") if text]


async def day_over(harness: Harness) -> None:
    """Wait for the test that is due to end: then its process sleeps until it looks again."""
    await harness.clock.until_asleep(LOOK_SECONDS)


async def next_day(harness: Harness) -> None:
    """Let a day pass, and the test that is due then."""
    harness.clock.advance(DAY)
    await day_over(harness)


async def posted(harness: Harness, count: int) -> list[str]:
    """What was posted, once there is so much."""
    await harness.passes_time(lambda: len(posts(harness)) >= count)
    return posts(harness)


def expire(harness: Harness, token_id: str) -> StoredToken:
    token = harness.state.tokens[token_id]
    token.is_expired, token.has_refresh_token = True, False
    return token


async def test_only_what_changed_is_posted(transport: Transport) -> None:
    async with open_harness(transport, **DAILY) as harness:
        await day_over(harness)
        assert len(harness.calls(LIST)) == 1
        assert posts(harness) == []

        token = expire(harness, "EtGoogle0002")
        await next_day(harness)
        [told] = await posted(harness, 1)
        assert told.startswith(
            "tested 6 connected accounts*\n✕ *Stopped working: 1*  Expired, and can't be refreshed\n"
        )
        assert "• `EtGoogle0002` · `google`\n" in told
        assert "*What to do:* Reconnect the account with offline access." in told
        assert "max@example.com" not in told

        await next_day(harness)
        token.is_expired = False
        await next_day(harness)
        await posted(harness, 2)
        assert "✓ *Working again: 1*\n• `EtGoogle0002` · `google`\n" in posts(harness)[1]
        everything = str(
            [*harness.state.messages, *(one.body for one in harness.state.traffic if one.direction == "bot")]
        )
        assert not [one for one in harness.state.tokens.values() if one.value in everything]


async def test_slack_s_trouble_changes_nothing_and_a_new_broken_account_is_news(transport: Transport) -> None:
    async with open_harness(transport, **DAILY) as harness:
        await day_over(harness)
        harness.slack.web_api.failures[GET] = "internal_error"
        await next_day(harness)  # three in a row end it
        harness.slack.web_api.failures.clear()
        harness.state.tokens["EtErr.token_not_found"] = expire(harness, "EtGoogle0001")
        harness.state.tokens["EtErr.token_not_found"].token_id = "EtErr.token_not_found"
        del harness.state.tokens["EtGoogle0001"]
        await next_day(harness)
        [told] = await posted(harness, 1)
        assert "✕ *New, and not working: 1*  Gone\n• `EtErr.token_not_found` · `google`\n" in told
        assert "Stopped working" not in told


async def test_a_refusal_to_list_is_told_once_and_so_is_its_end(transport: Transport) -> None:
    async with open_harness(transport, **DAILY) as harness:
        await day_over(harness)
        harness.slack.web_api.failures[LIST] = "not_allowed_token_type"
        for _ in range(2):
            await next_day(harness)
        await posted(harness, 1)
        assert "couldn't test the connected accounts*\n✕ Extauth's token can't list" in posts(harness)[0]
        assert "(`not_allowed_token_type`)" in posts(harness)[0]
        harness.slack.web_api.failures.clear()
        await next_day(harness)
        await posted(harness, 2)
        assert "✓ Slack lists the accounts again." in posts(harness)[1]


async def test_the_log_says_that_no_person_did_it_and_slack_is_asked_for_none(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_TEST_EVERY="24h") as harness:
        await day_over(harness)
        assert len(harness.calls(GET)) == ACCOUNTS
        assert harness.calls("users.info") == []
        history = harness.read(await harness.types("/extauth history 7"))
        assert history.count("by itself · test Et") + history.count("by itself · list") == 7
        assert "@schedule" not in history
        assert posts(harness) == []


async def test_no_accounts_and_no_schedule(transport: Transport) -> None:
    async with open_harness(transport, EXTAUTH_AUDIT_CHANNEL="C0AUDIT") as harness:
        await harness.types("/extauth help")
        harness.clock.advance(30 * DAY)
        await harness.types("/extauth help")
        assert harness.calls(LIST) == []
    async with open_harness(transport, **DAILY) as harness:
        await day_over(harness)
        harness.state.tokens.clear()
        await next_day(harness)
        await harness.types("/extauth help")
        assert posts(harness) == []


async def test_a_person_s_command_does_not_wait_for_thousands_of_tests(transport: Transport) -> None:
    async with open_harness(transport, **DAILY) as harness:
        await day_over(harness)
        plant_accounts(harness.state, 2500)
        harness.clock.advance(DAY)
        await harness.state.until(lambda: len(harness.calls(GET)) == ACCOUNTS + HALF)
        before = harness.clock.now()
        assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001", ADMIN))
        assert harness.clock.now() == before
        # People keep half of what Slack allows: nothing is ever rejected.
        sent = len(harness.calls(GET))
        await harness.passes_time(lambda: len(harness.calls(GET)) >= sent + 3 * HALF)
        assert harness.clock.now() - before >= 3 * 60
        rejected = [
            one for one in harness.state.traffic if one.kind == f"answer to {GET}" and "ratelimited" in str(one.body)
        ]
        assert rejected == []
        assert Operation.TEST.action in harness.read(await harness.types("/extauth history"))
