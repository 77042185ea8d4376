"""`check` against a simulated Slack with one fault at a time: it names that one, with its fix, and no other."""

import re
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from bot import settings
from bot.check import examine
from bot.check.channel import SCHEDULE_SECONDS
from bot.check.finding import Finding, Status
from bot.check.tokens import LISTING
from bot.clock import SystemClock
from bot.sandbox.run import serving, variables
from bot.sandbox.slack.delivery import MOST_CONNECTIONS
from bot.sandbox.slack.providers import SimulatedProvider
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.state import StoredToken
from tests.bot_process import simulated_slack
from tests.manual_clock import ManualClock

CHANNEL = "C0AUDIT"
KEY = "a-secret-key-of-more-than-32-characters"
EVERYTHING = {
    "EXTAUTH_API_TOKEN": "xoxp-the-token-of-an-app",
    "EXTAUTH_AUDIT_CHANNEL": CHANNEL,
    "EXTAUTH_GET_ALLOW": "admins, U0ADMIN, S0TEAM",
    "EXTAUTH_SECRET_KEY": KEY,
}
LISTS = {
    *("EXTAUTH_GET_ALLOW", "EXTAUTH_DELETE_ALLOW", "EXTAUTH_LIST_ALLOW", "EXTAUTH_CONNECT_ALLOW"),
    "EXTAUTH_HISTORY_ALLOW",
}
ASKED_WITH_THE_BOT_TOKEN = {"Scopes", "EXTAUTH_GET_ALLOW", "EXTAUTH_AUDIT_CHANNEL"}
ASKED_OF_SLACK = ASKED_WITH_THE_BOT_TOKEN | {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "EXTAUTH_API_TOKEN", LISTING}

Break = Callable[[SimulatedSlack], None]


@dataclass(frozen=True)
class Fault:
    """Something that is wrong, and what `check` should say about it."""

    subject: str
    says: str
    fix: str
    breaks: Break = lambda _: None
    settings: dict[str, str] = field(default_factory=dict)
    unchecked: frozenset[str] | set[str] = frozenset()
    also: tuple[str, ...] = ()


async def findings(slack: SimulatedSlack, **more: str) -> list[Finding]:
    slack.state.groups["S0TEAM"] = ["U0ADMIN"]
    if slack.state.api_tokens is None:
        slack.state.api_tokens = {EVERYTHING["EXTAUTH_API_TOKEN"]}
    chosen = {name: value for name, value in {**variables(slack), **EVERYTHING, **more}.items() if value}
    return [finding async for finding in examine(settings.read(chosen), ManualClock())]


def failing(method: str, code: str) -> Break:
    def breaks(slack: SimulatedSlack) -> None:
        slack.web_api.failures[method] = code

    return breaks


def channel_failing(code: str) -> Break:
    def breaks(slack: SimulatedSlack) -> None:
        slack.web_api.channel_failures[CHANNEL] = code

    return breaks


def without(scope: str) -> Break:
    def breaks(slack: SimulatedSlack) -> None:
        slack.web_api.scopes = slack.web_api.scopes - {scope}

    return breaks


def _block_websockets(slack: SimulatedSlack) -> None:
    slack.socket_mode.is_blocked = True


def _deactivate(slack: SimulatedSlack) -> None:
    slack.state.people["U0MEMBER"].deleted = True


def _is_a_bot(slack: SimulatedSlack) -> None:
    slack.state.people["U0MEMBER"].is_bot = True


def _move_away(slack: SimulatedSlack) -> None:
    slack.state.people["U0MEMBER"].team_id = "T0ELSEWHERE"


def _forbid_the_bot_token(slack: SimulatedSlack) -> None:
    slack.state.api_tokens = set()


def _is_a_users(slack: SimulatedSlack) -> None:
    slack.state.bot_id = None


NAMED = {"EXTAUTH_DELETE_ALLOW": "U0MEMBER"}
FAULTS = {
    "a wrong bot token": Fault(
        "SLACK_BOT_TOKEN",
        "doesn't accept this token (invalid_auth)",
        "Copy the Bot User OAuth Token",
        settings={"SLACK_BOT_TOKEN": "xoxb-another-one"},
        unchecked=ASKED_WITH_THE_BOT_TOKEN,
    ),
    "a revoked bot token": Fault(
        "SLACK_BOT_TOKEN",
        "(token_revoked)",
        "Install the app again",
        failing("auth.test", "token_revoked"),
        unchecked=ASKED_WITH_THE_BOT_TOKEN,
    ),
    "a user token for the bot's": Fault(
        "SLACK_BOT_TOKEN",
        "This is a user token, not a bot token.",
        "(xoxb-…)",
        settings={"SLACK_BOT_TOKEN": "xoxp-somebodys-own"},
        unchecked=ASKED_WITH_THE_BOT_TOKEN,
    ),
    "an app-level token for the bot's": Fault(
        "SLACK_BOT_TOKEN",
        "This is an app-level token, not a bot token.",
        "(xoxb-…)",
        settings={"SLACK_BOT_TOKEN": "xapp-1-A0-some-token"},
        unchecked=ASKED_WITH_THE_BOT_TOKEN,
    ),
    "a token that isn't a bot's, whatever it looks like": Fault(
        "SLACK_BOT_TOKEN",
        "isn't a bot's",
        "Copy the Bot User OAuth Token",
        _is_a_users,
        unchecked=ASKED_WITH_THE_BOT_TOKEN,
    ),
    "no scope for the audit channel": Fault(
        "Scopes",
        "hasn't granted chat:write.",
        "install the app again",
        without("chat:write"),
        unchecked={"EXTAUTH_AUDIT_CHANNEL"},
    ),
    "no scope for people": Fault(
        "Scopes", "users:read", "install the app again", without("users:read"), unchecked={"EXTAUTH_GET_ALLOW"}
    ),
    "no scope for groups": Fault(
        "Scopes",
        "usergroups:read",
        "install the app again",
        without("usergroups:read"),
        unchecked={"EXTAUTH_GET_ALLOW"},
    ),
    "no scope for the command": Fault("Scopes", "hasn't granted commands.", "Add it", without("commands")),
    "a wrong app-level token": Fault(
        "SLACK_APP_TOKEN",
        "doesn't accept this token (invalid_auth)",
        "Generate an app-level token",
        settings={"SLACK_APP_TOKEN": "an-unknown-kind-of-token"},
    ),
    "a bot token for the app-level token": Fault(
        "SLACK_APP_TOKEN",
        "This is a bot token, not an app-level token.",
        "(xapp-…)",
        settings={"SLACK_APP_TOKEN": "xoxb-the-bots-token"},
    ),
    "no connections:write": Fault(
        "SLACK_APP_TOKEN",
        "connections:write",
        "Generate an app-level token",
        failing("apps.connections.open", "missing_scope"),
    ),
    "Socket Mode off": Fault(
        "SLACK_APP_TOKEN",
        "Socket Mode is off",
        "Switch Socket Mode on",
        failing("apps.connections.open", "socket_mode_not_enabled"),
    ),
    "WebSockets blocked": Fault(
        "SLACK_APP_TOKEN", "the WebSocket can't be opened", "Let WebSockets", _block_websockets
    ),
    "an unknown API token": Fault(
        "EXTAUTH_API_TOKEN",
        "This token can't call apps.auth.external.get (invalid_auth), so nobody",
        "Set EXTAUTH_API_TOKEN",
        settings={"EXTAUTH_API_TOKEN": "xoxp-another-one"},
        also=(LISTING,),
    ),
    "a bot token that may not call the methods": Fault(
        "EXTAUTH_API_TOKEN",
        "The bot token can't call apps.auth.external.get (not_allowed_token_type), so nobody",
        "Set EXTAUTH_API_TOKEN",
        _forbid_the_bot_token,
        {"EXTAUTH_API_TOKEN": ""},
        also=(LISTING,),
    ),
    "methods that Slack doesn't support": Fault(
        "EXTAUTH_API_TOKEN",
        "(method_not_supported)",
        "Set EXTAUTH_API_TOKEN",
        failing("apps.auth.external.get", "method_not_supported"),
    ),
    "a person nobody knows": Fault(
        "EXTAUTH_GET_ALLOW",
        "U0NOBODY isn't anyone Slack knows here.",
        "Remove U0NOBODY from the list.",
        settings={"EXTAUTH_GET_ALLOW": "U0ADMIN, U0NOBODY"},
    ),
    "a group nobody knows": Fault(
        "EXTAUTH_HISTORY_ALLOW",
        "S0NOBODY isn't a user group here.",
        "Remove S0NOBODY",
        settings={"EXTAUTH_HISTORY_ALLOW": "S0NOBODY"},
    ),
    "a guest": Fault(
        "EXTAUTH_DELETE_ALLOW", "U0GUEST is a guest.", "Remove U0GUEST", settings={"EXTAUTH_DELETE_ALLOW": "U0GUEST"}
    ),
    "somebody deactivated": Fault(
        "EXTAUTH_DELETE_ALLOW", "U0MEMBER is deactivated.", "Remove U0MEMBER", _deactivate, NAMED
    ),
    "a bot on a list": Fault("EXTAUTH_DELETE_ALLOW", "U0MEMBER is a bot.", "Remove U0MEMBER", _is_a_bot, NAMED),
    "somebody of another organization": Fault(
        "EXTAUTH_DELETE_ALLOW", "U0MEMBER belongs to another organization.", "Remove U0MEMBER", _move_away, NAMED
    ),
    "several wrong entries": Fault(
        "EXTAUTH_DELETE_ALLOW",
        "S0NO isn't a user group here; U0A isn't anyone Slack knows here; U0B isn't anyone Slack knows here; 1 more",
        "Remove S0NO, U0A, U0B and U0GUEST from the list.",
        settings={"EXTAUTH_DELETE_ALLOW": "U0A U0B U0GUEST S0NO"},
    ),
    "an unknown channel": Fault(
        "EXTAUTH_AUDIT_CHANNEL",
        "Slack doesn't know this channel, or it is private",
        "invite Extauth",
        channel_failing("channel_not_found"),
    ),
    "a channel without the bot": Fault(
        "EXTAUTH_AUDIT_CHANNEL", "The bot isn't in this channel.", "/invite @Extauth", channel_failing("not_in_channel")
    ),
    "an archived channel": Fault(
        "EXTAUTH_AUDIT_CHANNEL", "This channel is archived.", "Unarchive the channel", channel_failing("is_archived")
    ),
    "a channel for admins only": Fault(
        "EXTAUTH_AUDIT_CHANNEL",
        "isn't allowed to post",
        "Allow Extauth to post there",
        channel_failing("restricted_action_read_only_channel"),
    ),
    "a test message that stays": Fault(
        "EXTAUTH_AUDIT_CHANNEL",
        "couldn't be deleted",
        "scheduled_message_id=Q",
        failing("chat.deleteScheduledMessage", "internal_error"),
    ),
    "another address than Slack's": Fault(
        "SLACK_API_URL",
        "isn't Slack's Web API (HTTP 200)",
        "Check the network, HTTPS_PROXY, and SLACK_API_URL.",
        failing("api.test", "html"),
        unchecked=ASKED_OF_SLACK,
    ),
    "a broken connection": Fault(
        "SLACK_API_URL",
        "can't be reached",
        "Check the network",
        failing("api.test", "disconnect"),
        unchecked=ASKED_OF_SLACK,
    ),
    "a proxy that isn't there": Fault(
        "SLACK_API_URL",
        "can't be reached",
        "HTTPS_PROXY",
        settings={"HTTPS_PROXY": "http://127.0.0.1:9"},
        unchecked=ASKED_OF_SLACK,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_is_named_with_its_fix_and_nothing_else_is(name: str) -> None:
    fault = FAULTS[name]
    async with simulated_slack() as slack:
        fault.breaks(slack)
        found = await findings(slack, **fault.settings)
    problems = [finding for finding in found if finding.status is Status.PROBLEM]
    assert [finding.subject for finding in problems] == [fault.subject, *fault.also], found
    assert fault.says in problems[0].says
    assert fault.fix in problems[0].fix
    assert unchecked(found) == fault.unchecked


def unchecked(found: list[Finding]) -> set[str]:
    return {finding.subject for finding in found if finding.status is Status.NOT_CHECKED}


async def test_a_good_setup_is_ok_and_leaves_nothing_behind() -> None:
    async with simulated_slack() as slack:
        found = await findings(slack)
        assert [finding.subject for finding in found] == [
            "SLACK_API_URL",
            "SLACK_BOT_TOKEN",
            "Scopes",
            "Transport",
            "SLACK_APP_TOKEN",
            "EXTAUTH_API_TOKEN",
            LISTING,
            "DATABASE_URL",
            "EXTAUTH_SECRET_KEY",
            "EXTAUTH_GET_ALLOW",
            "EXTAUTH_DELETE_ALLOW",
            "EXTAUTH_LIST_ALLOW",
            "EXTAUTH_CONNECT_ALLOW",
            "EXTAUTH_HISTORY_ALLOW",
            "EXTAUTH_DELETE_APPROVAL",
            "EXTAUTH_CONTACT",
            "EXTAUTH_AUDIT_CHANNEL",
        ]
        assert all(finding.status is Status.OK for finding in found), found
        methods = [exchange.kind for exchange in slack.state.traffic if exchange.direction == "bot"]
        assert "chat.postMessage" not in methods
        assert methods.count("chat.scheduleMessage") == methods.count("chat.deleteScheduledMessage") == 1
        assert slack.state.scheduled == {}


async def test_the_message_of_the_test_is_scheduled_far_ahead() -> None:
    async with simulated_slack() as slack:
        slack.web_api.failures["chat.deleteScheduledMessage"] = "internal_error"
        await findings(slack)
        [scheduled] = slack.state.scheduled.values()
        assert float(scheduled["post_at"]) - slack.state.clock.now() == pytest.approx(SCHEDULE_SECONDS, abs=60)
        assert "You can ignore it" in scheduled["text"]


async def test_offline_nothing_is_concluded_about_what_is_asked_of_slack() -> None:
    async with simulated_slack() as slack:
        found = await findings(slack, SLACK_API_URL="http://127.0.0.1:9/api/")
    problems = [finding for finding in found if finding.status is Status.PROBLEM]
    assert [(finding.subject, finding.fix) for finding in problems] == [
        ("SLACK_API_URL", "Check the network, HTTPS_PROXY, and SLACK_API_URL.")
    ]
    assert "127.0.0.1:9" in problems[0].says
    assert unchecked(found) == ASKED_OF_SLACK
    reasons = {finding.says for finding in found if finding.status is Status.NOT_CHECKED}
    assert reasons == {"Because Slack couldn't be reached."}
    assert {finding.subject for finding in found if finding.status is Status.OK} >= {
        "DATABASE_URL",
        "EXTAUTH_DELETE_ALLOW",
    }


@pytest.mark.parametrize(("ahead", "says"), [(-61, "61 seconds ahead of Slack's"), (90, "90 seconds behind Slack's")])
async def test_a_wrong_clock_is_told(ahead: float, says: str) -> None:
    async with simulated_slack() as slack:
        slack.clock_ahead = ahead
        (first, *_) = await findings(slack)
        slack.clock_ahead = 30
        (right, *_) = await findings(slack)
    assert (first.status, first.can_run, right.status) == (Status.PROBLEM, True, Status.OK)
    assert re.sub(r"\d+", "", first.says).endswith(re.sub(r"\d+", "", f"this machine's clock is {says}."))


async def test_a_token_of_the_wrong_kind_is_told_offline_too() -> None:
    async with simulated_slack() as slack:
        found = await findings(slack, SLACK_API_URL="http://127.0.0.1:9/api/", SLACK_BOT_TOKEN="xoxp-somebodys-own")
    assert any(finding.says == "This is a user token, not a bot token." for finding in found)


TROUBLE = ["503", "500-text", "internal_error", "fatal_error", "service_unavailable", "429", "team_added_to_org"]


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize(
    ("method", "subjects"),
    [
        ("auth.test", ASKED_WITH_THE_BOT_TOKEN | {"SLACK_BOT_TOKEN"}),
        ("apps.connections.open", {"SLACK_APP_TOKEN"}),
        ("apps.auth.external.get", {"EXTAUTH_API_TOKEN"}),
        ("apps.auth.external.list", {LISTING}),
        ("users.info", {"EXTAUTH_GET_ALLOW"}),
        ("usergroups.users.list", {"EXTAUTH_GET_ALLOW"}),
        ("chat.scheduleMessage", {"EXTAUTH_AUDIT_CHANNEL"}),
    ],
)
async def test_trouble_at_slack_is_no_fault_of_the_setup(method: str, subjects: set[str], trouble: str) -> None:
    async with simulated_slack() as slack:
        slack.web_api.failures[method] = trouble
        found = await findings(slack)
    assert [finding for finding in found if finding.status is Status.PROBLEM] == []
    assert unchecked(found) == subjects
    assert all(finding.fix == "" for finding in found), found


async def test_with_a_bad_bot_token_nobody_is_asked_about() -> None:
    async with simulated_slack() as slack:
        found = await findings(slack, SLACK_BOT_TOKEN="xoxb-another-one")
        asked = {exchange.kind for exchange in slack.state.traffic if exchange.direction == "bot"}
    assert asked == {
        "api.test",
        "auth.test",
        "apps.connections.open",
        "apps.auth.external.get",
        "apps.auth.external.list",
        "apps.auth.external.start",
    }
    reasons = {finding.says for finding in found if finding.status is Status.NOT_CHECKED}
    assert reasons == {"Because SLACK_BOT_TOKEN doesn't work."}


CONNECTS = "Extauth can connect accounts. That was tried with a made-up provider."


async def _listing(slack: SimulatedSlack, **more: str) -> Finding:
    [finding] = [finding for finding in await findings(slack, **more) if finding.subject == LISTING]
    return finding


async def test_how_much_slack_lists_is_told() -> None:
    async with simulated_slack() as slack:
        told = (await _listing(slack)).says
        assert told == f"Slack lists 6 accounts of 4 providers for the app A0SANDBOX. {CONNECTS}"
        slack.state.tokens.clear()
        slack.state.providers = {"google": slack.state.providers["google"]}
        told = (await _listing(slack)).says
        assert told == f"Slack lists 0 accounts of 1 provider for the app A0SANDBOX. {CONNECTS}"
        slack.state.tokens["EtOther00001"] = StoredToken("EtOther00001", "jira", "a-token", app_id="A0OTHER")
        both = await _listing(slack, EXTAUTH_APP_ID="A0SANDBOX,A0OTHER")
        assert both.says.endswith(f" Slack lists 1 account of 1 provider for the app A0OTHER. {CONNECTS}")
        slack.state.providers = {
            "google": SimulatedProvider("google", "Google", shape={"external_tokens": None, "valid_token_exists": True})
        }
        del slack.state.tokens["EtOther00001"]
        unnamed = await _listing(slack)
        assert unnamed.says == f"Slack lists unnamed accounts of 1 provider for the app A0SANDBOX. {CONNECTS}"


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("unknown_method", " Slack doesn't let Extauth connect accounts (unknown_method)."),
        ("internal_error", " for the app A0SANDBOX."),
    ],
)
async def test_whether_accounts_can_be_connected_is_told_and_no_problem(code: str, ends: str) -> None:
    async with simulated_slack() as slack:
        slack.web_api.failures["apps.auth.external.start"] = code
        finding = await _listing(slack)
    assert finding.status is Status.OK
    assert finding.says.endswith(ends)


async def test_an_app_without_providers_has_nothing_to_fetch() -> None:
    async with simulated_slack() as slack:
        slack.state.tokens.clear()
        slack.state.providers.clear()
        finding = await _listing(slack)
    assert (finding.status, finding.can_run) == (Status.PROBLEM, True)
    assert finding.says.endswith("0 providers for the app A0SANDBOX. So there is nothing to fetch.")
    assert "set EXTAUTH_API_TOKEN and EXTAUTH_APP_ID for the app that has one" in finding.fix


async def test_an_app_in_the_settings_that_slack_does_not_know_is_a_problem() -> None:
    async with simulated_slack() as slack:
        finding = await _listing(slack, EXTAUTH_APP_ID="A0NOWHERE")
    assert (finding.status, finding.fix) == (Status.PROBLEM, "Check EXTAUTH_APP_ID.")
    assert "for the app A0NOWHERE (app_not_found)" in finding.says


async def test_that_a_token_may_be_fetched_does_not_claim_that_there_is_one() -> None:
    async with simulated_slack() as slack:
        (finding,) = [found for found in await findings(slack) if found.subject == "EXTAUTH_API_TOKEN"]
    assert "tried with a made-up ID, so it doesn't prove that there's a token." in finding.says


async def test_where_neither_fetching_nor_listing_works_nothing_is_called_ok() -> None:
    async with simulated_slack() as slack:
        slack.state.api_tokens = set()
        found = {one.subject: one for one in await findings(slack, EXTAUTH_API_TOKEN="")}
    for subject in ("EXTAUTH_API_TOKEN", LISTING):
        assert (found[subject].status, found[subject].can_run) == (Status.PROBLEM, True)
    assert "nothing works" in found[LISTING].says


@pytest.mark.parametrize(
    ("contact", "status", "says"),
    [
        ("", Status.OK, "Nobody is set, so people are told to ask a workspace admin."),
        ("U0ADMIN", Status.OK, "People are sent to U0ADMIN (Ada (admin))."),
        ("S0TEAM", Status.OK, "People are sent to S0TEAM (1 member)."),
        ("C0GENERAL", Status.OK, "People are sent to C0GENERAL, which can't be checked."),
        ("U0NOBODY", Status.PROBLEM, "U0NOBODY isn't anyone Slack knows here."),
        ("U0GUEST", Status.PROBLEM, "U0GUEST is a guest."),
    ],
)
async def test_whom_people_ask_has_to_be_there(contact: str, status: Status, says: str) -> None:
    async with simulated_slack() as slack:
        (finding,) = [one for one in await findings(slack, EXTAUTH_CONTACT=contact) if one.subject == "EXTAUTH_CONTACT"]
    assert (finding.status, finding.says, finding.can_run) == (status, says, True)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "It's off: anyone who can delete tokens can delete all of a provider's without approval."),
        (
            {"EXTAUTH_DELETE_APPROVAL": "bulk"},
            f"Somebody else has to approve deletions of more than one token, and is asked in {CHANNEL}.",
        ),
        (
            {"EXTAUTH_DELETE_APPROVAL": "all", "EXTAUTH_AUDIT_CHANNEL": "", "EXTAUTH_DELETE_APPROVERS": "U0OWNER"},
            "Somebody else has to approve every deletion, and is asked in U0OWNER.",
        ),
    ],
)
async def test_who_approves_deletions_is_said(variables: dict[str, str], says: str) -> None:
    async with simulated_slack() as slack:
        found = {one.subject: one for one in await findings(slack, **variables)}
    assert found["EXTAUTH_DELETE_APPROVAL"].says == says


async def test_what_a_list_comes_to_is_said() -> None:
    async with simulated_slack() as slack:
        found = {one.subject: one for one in await findings(slack, EXTAUTH_LIST_ALLOW="admins U0MEMBER S0TEAM")}
    assert found["EXTAUTH_LIST_ALLOW"].says == "Allows admins and owners, S0TEAM (1 member), U0MEMBER (Max (member))."


@pytest.mark.parametrize(
    "code", ["not_allowed_token_type", "unknown_method", "missing_scope", "method_not_supported", "invalid_arguments"]
)
async def test_that_slack_lists_no_accounts_is_told_and_is_no_fault(code: str) -> None:
    async with simulated_slack() as slack:
        slack.web_api.failures["apps.auth.external.list"] = code
        finding = await _listing(slack)
    assert (finding.status, finding.says) == (
        Status.OK,
        f"Slack doesn't list accounts for the app A0SANDBOX ({code}). People have to type token IDs.",
    )


async def test_when_all_of_slack_is_in_trouble_nothing_is_asked_twice() -> None:
    async with simulated_slack() as slack:
        slack.web_api.failures["api.test"] = "503"
        found = await findings(slack)
        assert [exchange.kind for exchange in slack.state.traffic if exchange.direction == "bot"] == ["api.test"]
    assert unchecked(found) == ASKED_OF_SLACK | {"SLACK_API_URL"}
    assert found[0].says == "Because Slack answered with HTTP 503."
    assert "https://slack-status.com" in found[0].fix


async def test_a_list_has_one_finding_that_says_what_was_not_checked() -> None:
    async with simulated_slack() as slack:
        slack.web_api.failures["usergroups.users.list"] = "internal_error"
        found = await findings(slack, EXTAUTH_GET_ALLOW="U0NOBODY S0TEAM")
    [finding] = [finding for finding in found if finding.subject == "EXTAUTH_GET_ALLOW"]
    assert finding.status is Status.PROBLEM
    assert finding.says == (
        "U0NOBODY isn't anyone Slack knows here. The others weren't checked, because Slack has an internal problem "
        "(internal_error)."
    )
    assert finding.fix == "Remove U0NOBODY from the list."


async def test_each_person_is_asked_for_once() -> None:
    async with simulated_slack() as slack:
        await findings(slack, **dict.fromkeys(LISTS, "U0ADMIN"))
        assert [exchange.kind for exchange in slack.state.traffic].count("users.info") == 1


async def test_a_signing_secret_can_only_look_wrong() -> None:
    async with simulated_slack() as slack:
        found = await findings(slack, SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET="not-32-digits")
    assert unchecked(found) == {"SLACK_SIGNING_SECRET"}
    [finding] = [finding for finding in found if finding.subject == "SLACK_SIGNING_SECRET"]
    assert "only a request from Slack can prove it" in finding.says
    assert "Copy the Signing Secret again" in finding.fix


@pytest.mark.parametrize(
    ("transports", "says"),
    [
        ({"SLACK_SIGNING_SECRET": ""}, "serves over Socket Mode"),
        ({"SLACK_APP_TOKEN": ""}, "serves over HTTP"),
        ({}, "start with `socket` or `http`"),
    ],
)
async def test_the_transport_is_named(transports: dict[str, str], says: str) -> None:
    async with simulated_slack() as slack:
        found = await findings(slack, **transports)
    [finding] = [finding for finding in found if finding.subject == "Transport"]
    assert says in finding.says


async def test_all_connections_in_use() -> None:
    async with simulated_slack() as slack, AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for _ in range(MOST_CONNECTIONS):
            address = f"{slack.base_url}/link/?ticket={slack.socket_mode.new_ticket()}"
            await stack.enter_async_context(session.ws_connect(address))
        await slack.state.until(lambda: slack.socket_mode.open_connections == MOST_CONNECTIONS)
        found = await findings(slack)
    [finding] = [finding for finding in found if finding.status is Status.PROBLEM]
    assert (finding.subject, finding.says) == ("SLACK_APP_TOKEN", "All 10 of the app's connections are in use.")
    assert finding.fix == "Stop a process that is connected."


async def test_nothing_secret_is_ever_said() -> None:
    """With every fault at once and with none: no finding holds a secret, whole or in part."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    database = f"postgresql://extauth:pass%20word-of-the-database@127.0.0.1:{port}/x"
    said = ""
    async with simulated_slack() as slack:
        chosen = {**variables(slack), **EVERYTHING}
        secrets = [chosen[name] for name in chosen if "TOKEN" in name or "SECRET" in name]
        for more in ({}, {"DATABASE_URL": database}, {"SLACK_BOT_TOKEN": "xoxb-another-one"}):
            said += "".join(f"{finding}" for finding in await findings(slack, **more))
        slack.socket_mode.is_blocked = True
        for method in ("auth.test", "apps.connections.open", "apps.auth.external.get"):
            slack.web_api.failures[method] = "missing_scope"
            said += "".join(f"{finding}" for finding in await findings(slack))
    assert "can't be reached" in said
    for secret in [*secrets, "xoxb-another-one", "pass word-of", "pass%20word-of", "ticket="]:
        assert secret not in said


async def test_without_the_optional_scopes_it_says_what_is_left_out() -> None:
    async with simulated_slack() as slack:
        slack.web_api.scopes -= {"files:write", "im:write"}
        (found,) = [finding for finding in await findings(slack) if finding.subject == "Scopes"]
    assert found.status is Status.OK
    assert "Without files:write and im:write, test results are exported as text to copy" in found.says


async def test_connections_that_no_process_of_this_database_opens_are_named(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(simulated_slack())
        configured = {**variables(slack), "DATABASE_URL": f"sqlite:///{tmp_path}/own.db", "EXTAUTH_SECRET_KEY": KEY}
        await stack.enter_async_context(serving(settings.read(configured), "socket", SystemClock()))
        await slack.state.until(lambda: slack.socket_mode.open_connections == 2)
        own, other = [
            {one.subject: one for one in await findings(slack, DATABASE_URL=url)}["SLACK_APP_TOKEN"]
            for url in (configured["DATABASE_URL"], f"sqlite:///{tmp_path}/other.db")
        ]
    assert own.status is Status.OK
    assert (other.status, other.can_run) == (Status.PROBLEM, True)
    assert other.says == "This token also has 2 connections that no running process of this database opens."
