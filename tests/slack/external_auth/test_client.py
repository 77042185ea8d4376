"""The methods for external tokens, called over a real socket."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from bot.outcomes import success
from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.server import SimulatedSlack
from bot.slack.calls import HttpAnswer
from bot.slack.client import ClientFactory, open_session
from bot.slack.external_auth.accounts import AccountList, read_accounts
from bot.slack.external_auth.client import ExternalAuthClient
from bot.slack.external_auth.errors import (
    ExternalAuthError,
    RateLimitedError,
    RefusedError,
    UnconfirmedError,
    UnreachableError,
    from_answer,
)
from bot.slack.external_auth.models import (
    DeleteTokens,
    ExternalToken,
    GetToken,
    ListAccounts,
    ListPosition,
    TokenRequest,
    read_token,
)
from bot.slack.rate_limit import WAIT_SECONDS, Caller, RateLimiter, SecondsLeft
from tests.bot_process import simulated_slack
from tests.harness import HASTY_SECONDS
from tests.manual_clock import ManualClock

GET, DELETE, LIST = "apps.auth.external.get", "apps.auth.external.delete", "apps.auth.external.list"
METHODS: dict[type[TokenRequest], str] = {GetToken: GET, DeleteTokens: DELETE, ListAccounts: LIST}


class ConnectedClient:
    """A client at the simulated Slack, and the waits that it told of."""

    def __init__(self, slack: SimulatedSlack, client: ExternalAuthClient, clock: ManualClock) -> None:
        self.slack = slack
        self.client = client
        self.clock = clock
        self.token = SecretStr(slack.state.bot_token)
        self.waits: list[int] = []

    def progress(self, seconds_left: SecondsLeft) -> None:
        seconds = seconds_left()
        self.waits.append(seconds)
        self.clock.advance_when_asleep(seconds)

    def calls(self, method: str) -> list[object]:
        return [exchange.body for exchange in self.slack.state.traffic if exchange.kind == method]

    async def get(self, request: GetToken) -> ExternalToken:
        return read_token(await self.client.call(self.token, request, Caller()))

    async def list(self, request: ListAccounts) -> AccountList:
        return read_accounts(await self.client.call(self.token, request, Caller()))

    async def failure(self, request: TokenRequest) -> ExternalAuthError:
        caller = Caller(progress=self.progress)
        with pytest.raises(ExternalAuthError) as caught:
            success(request, await self.client.call(self.token, request, caller), 0.0, frozenset(), "")
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None, "the exception of slack_sdk holds the whole response"
        return caught.value


@pytest.fixture
async def connected() -> AsyncIterator[ConnectedClient]:
    clock = ManualClock()
    async with simulated_slack() as slack, open_session(HASTY_SECONDS) as session:
        clients = ClientFactory(session, slack.api_url, None, clock)
        yield ConnectedClient(slack, ExternalAuthClient(clients, RateLimiter(clock)), clock)


@pytest.mark.parametrize(
    ("request_", "sent"),
    [
        (GetToken("EtGoogle0001"), {"external_token_id": "EtGoogle0001"}),
        (GetToken("EtGoogle0001", True), {"external_token_id": "EtGoogle0001", "force_refresh": True}),
        (GetToken("EtGoogle0001", show=True), {"external_token_id": "EtGoogle0001"}),
    ],
)
async def test_get_sends_what_was_given_and_returns_the_token(
    connected: ConnectedClient, request_: GetToken, sent: dict[str, object]
) -> None:
    found = await connected.get(request_)
    stored = connected.slack.state.tokens["EtGoogle0001"]
    assert (found.token.get_secret_value(), found.extras) == (stored.value, stored.extras)
    assert connected.calls(GET) == [sent]


async def test_a_token_without_extras_has_none(connected: ConnectedClient) -> None:
    assert (await connected.get(GetToken("EtShort00001"))).extras == {}


async def test_extras_of_an_odd_form_are_left_out(connected: ConnectedClient) -> None:
    connected.slack.state.tokens["EtShort00001"].extras = ["not", "an", "object"]  # type: ignore[assignment]
    assert (await connected.get(GetToken("EtShort00001"))).extras == {}


async def test_delete_sends_what_was_given(connected: ConnectedClient) -> None:
    await connected.client.call(connected.token, DeleteTokens(provider_key="google", app_id="A0SANDBOX"), Caller())
    assert connected.calls(DELETE) == [{"provider_key": "google", "app_id": "A0SANDBOX"}]


@pytest.mark.parametrize(
    ("fault", "family", "code"),
    [
        ("token_not_found", RefusedError, "token_not_found"),
        ("internal_error", UnconfirmedError, "internal_error"),
        ("429", RateLimitedError, "ratelimited"),
        ("503", UnconfirmedError, "http_error"),
        ("500-text", UnconfirmedError, "http_error"),
        ("html", UnconfirmedError, "answer_not_json"),
        ("text", UnconfirmedError, "answer_not_json"),
        ("broken-json", UnconfirmedError, "answer_not_json"),
        ("list", UnconfirmedError, "answer_not_object"),
        ("empty-list", UnconfirmedError, "answer_not_object"),
        ("null", UnconfirmedError, "answer_not_object"),
        ("no-ok", UnconfirmedError, "answer_without_ok"),
        ("odd-ok", UnconfirmedError, "answer_without_ok"),
        ("429-broken", RateLimitedError, "ratelimited"),
        ("500", UnconfirmedError, "http_error"),
        ("empty", UnconfirmedError, "answer_not_object"),
        ("truncated", UnconfirmedError, "answer_not_json"),
        ("drip", UnconfirmedError, "timeout"),
        ("timeout", UnconfirmedError, "timeout"),
        ("disconnect", UnconfirmedError, "connection_failed"),
    ],
)
@pytest.mark.parametrize("request_", [GetToken("EtGoogle0001"), DeleteTokens("EtGoogle0001"), ListAccounts()])
async def test_every_broken_answer_has_its_family(
    connected: ConnectedClient, request_: TokenRequest, fault: str, family: type[ExternalAuthError], code: str
) -> None:
    method = METHODS[type(request_)]
    connected.slack.web_api.failures[method] = fault
    error = await connected.failure(request_)
    assert (type(error), error.code, error.method) == (family, code, method)
    # Only a request that changes nothing is sent again, once, after a broken connection.
    assert len(connected.calls(method)) == (2 if fault == "disconnect" and method != DELETE else 1)


async def test_list_asks_for_the_workflows_and_returns_every_account(connected: ConnectedClient) -> None:
    found = await connected.list(ListAccounts("google", "A0SANDBOX", older_than=ListPosition(1, "Et1")))
    assert connected.calls(LIST) == [{"app_id": "A0SANDBOX", "include_workflows": True}]
    assert {account.token_id for account in found.accounts} == {*connected.slack.state.tokens}
    first = found.accounts[0]
    assert (first.token_id, first.name, first.workflows) == (
        "EtGoogle0001",
        "ada@example.com",
        ("daily_agenda", "weekly_report"),
    )
    assert all(token.value not in repr(found) for token in connected.slack.state.tokens.values())


async def test_a_list_of_thousands_of_accounts_is_read_whole(connected: ConnectedClient) -> None:
    plant_accounts(connected.slack.state, 2500)
    found = await connected.list(ListAccounts())
    assert connected.calls(LIST) == [{"include_workflows": True}]
    assert (len(found.accounts), found.unreadable) == (2506, 0)


async def test_a_success_without_a_list_is_a_failure(connected: ConnectedClient) -> None:
    connected.slack.web_api.failures[LIST] = "no-token"
    error = await connected.failure(ListAccounts())
    assert (type(error), error.code, error.method) == (UnconfirmedError, "answer_without_list", LIST)


@pytest.mark.parametrize("fault", ["no-token", "empty-token"])
async def test_a_success_without_a_token_is_a_failure(connected: ConnectedClient, fault: str) -> None:
    if fault == "no-token":
        connected.slack.web_api.failures[GET] = fault
    else:
        connected.slack.state.tokens["EtGoogle0001"].value = ""
    error = await connected.failure(GetToken("EtGoogle0001"))
    assert (type(error), error.code, error.method) == (UnconfirmedError, "answer_without_token", GET)


async def test_a_forced_refresh_is_sent_once_over_a_broken_connection(connected: ConnectedClient) -> None:
    connected.slack.web_api.failures[GET] = "disconnect"
    await connected.failure(GetToken("EtGoogle0001", True))
    assert len(connected.calls(GET)) == 1


async def test_an_address_where_nobody_listens_is_unreachable() -> None:
    async with open_session(HASTY_SECONDS) as session:
        clock = ManualClock()
        client = ExternalAuthClient(ClientFactory(session, "http://127.0.0.1:9/", None, clock), RateLimiter(clock))
        with pytest.raises(UnreachableError) as caught:
            await client.call(SecretStr("xoxb-1"), DeleteTokens("Et1"), Caller())
        assert caught.value.code == "connection_failed"


async def test_waits_are_kept_within_a_limit_in_all(connected: ConnectedClient) -> None:
    """Of an endless row of 429s the bot follows as many as fit, and then says so."""
    connected.slack.web_api.failures[GET] = "429-250"
    error = await connected.failure(GetToken("EtGoogle0001"))
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == 250
    assert connected.waits == [250, 250]
    assert len(connected.calls(GET)) == 3


async def test_the_longest_wait_is_waited_and_a_longer_one_is_not(connected: ConnectedClient) -> None:
    longest = int(WAIT_SECONDS)
    connected.slack.web_api.failures[GET] = f"429-{longest}"
    await connected.failure(GetToken("EtGoogle0001"))
    assert connected.waits == [longest]
    connected.slack.web_api.failures[DELETE] = f"429-{longest + 1}"
    await connected.failure(DeleteTokens("EtGoogle0001"))
    assert connected.waits == [longest]


async def test_sending_ends_however_slow_slack_is(connected: ConnectedClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # It's a minute and a half of real time.
    monkeypatch.setattr("bot.slack.external_auth.client.SEND_SECONDS", 0.1)
    connected.slack.web_api.failures[DELETE] = "timeout"
    failure = await connected.failure(DeleteTokens("EtGoogle0001"))
    assert isinstance(failure, UnconfirmedError)
    assert failure.code == "timeout"


async def test_waiting_for_its_turn_is_not_a_part_of_sending(
    connected: ConnectedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It's a minute and a half of real time.
    monkeypatch.setattr("bot.slack.external_auth.client.SEND_SECONDS", 0.3)
    connected.slack.web_api.failures[GET] = "429-60"
    getting = asyncio.ensure_future(connected.get(GetToken("EtGoogle0001")))
    await connected.clock.until_asleep(60)
    await asyncio.sleep(0.4)
    connected.slack.web_api.failures.clear()
    connected.clock.advance(60)
    assert (await getting).token.get_secret_value() == connected.slack.state.tokens["EtGoogle0001"].value


async def test_the_scopes_that_slack_names_are_redacted_like_its_other_words(connected: ConnectedClient) -> None:
    sent = {"external_token_id": "ya29.a0AfH6SMBx-canary-canary-canary"}
    answer = HttpAnswer(200, {}, {"ok": False, "error": "missing_scope", "needed": sent["external_token_id"]})
    failure = from_answer(GET, answer, sent)
    assert "canary" not in (failure.needed or "")
