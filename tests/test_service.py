"""The pipeline: who is allowed, what is on record, and what comes back."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import settings
from bot.access import Reason
from bot.actor import Actor, Unattended, Workspace
from bot.audit.chain import AlteredLog
from bot.audit.entries import AuditResult, Entry, Event, Filters, ReadHistory
from bot.audit.log import RETRY_SECONDS, Attempt, AuditLog
from bot.audit.reader import recent_token_ids
from bot.batch import Batch, Item
from bot.jobs.approval import AskApproval, Decide
from bot.operation import OpenForm, Operation, Permission, Request
from bot.outcomes import (
    AlreadyRun,
    Deleted,
    Denied,
    Failed,
    Fetched,
    HistoryPage,
    HistoryUnavailable,
    Listed,
    NotRecorded,
    Outcome,
)
from bot.sandbox.run import variables
from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.state import APP_ID, StoredToken
from bot.service import Runnable, Service
from bot.slack.client import ClientFactory, open_session
from bot.slack.external_auth.client import ExternalAuthClient
from bot.slack.external_auth.errors import RateLimitedError, RefusedError
from bot.slack.external_auth.models import CheckToken, DeleteTokens, GetToken, ListAccounts, ListPosition, TokenRequest
from bot.slack.rate_limit import RateLimiter, SecondsLeft
from bot.slack.users import UserDirectory
from bot.storage.engine import DatabaseError
from bot.workspaces.settings import ChangeSettings
from tests.audit_log import locked, open_audit_log, run, until
from tests.bot_process import simulated_slack
from tests.harness import ADMIN, GUEST, MEMBER, OWNER
from tests.manual_clock import ManualClock

GET, LIST = "apps.auth.external.get", "apps.auth.external.list"


@dataclass
class Pipeline:
    """The service against the simulated Slack, without Bolt, and what its observer was told."""

    slack: SimulatedSlack
    service: Service
    audit_log: AuditLog
    clock: ManualClock
    url: str
    told: list[tuple[Event, AuditResult]] = field(default_factory=list)

    def actor(self, user: str = ADMIN) -> Actor:
        return Actor(user, "T0SANDBOX", "E1", SecretStr(self.slack.state.bot_token), "ABCD2345")

    async def run(self, request: Runnable, user: str = ADMIN) -> Outcome:
        return await self.service.run(self.actor(user), request, lambda _: None)

    async def entries(self) -> list[Entry]:
        return list(await self.audit_log.newest(100, Filters(team_id="T0SANDBOX")))

    def calls(self, method: str) -> list[dict[str, object]]:
        return [exchange.body for exchange in self.slack.state.traffic if exchange.kind == method]

    def execute(self, statement: str) -> None:
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
            connection.execute(statement)
            connection.commit()


@asynccontextmanager
async def open_pipeline(folder: Path, *, has_settings: bool = False, **more: str) -> AsyncIterator[Pipeline]:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(simulated_slack())
        clock, url = ManualClock(), f"sqlite:///{folder}/service.db"
        configured = settings.read({**variables(slack), "DATABASE_URL": url, **more})
        audit_log = await stack.enter_async_context(open_audit_log(configured, clock))
        session = await stack.enter_async_context(open_session())
        clients = ClientFactory(session, configured.api_url, None, clock)
        told: list[tuple[Event, AuditResult]] = []
        service = Service(
            ExternalAuthClient(clients, RateLimiter(clock)),
            UserDirectory(clients),
            configured.allow_lists(),
            configured.api_token,
            audit_log,
            [lambda event, result: told.append((event, result))],
            clock,
            app_ids=configured.app_ids,
            has_settings=has_settings,
        )
        yield Pipeline(slack, service, audit_log, clock, url, told)


@pytest.fixture
async def pipeline(tmp_path: Path) -> AsyncIterator[Pipeline]:
    async with open_pipeline(tmp_path) as opened:
        yield opened


async def test_a_fetched_token_comes_back_whole_with_its_time_and_reference(pipeline: Pipeline) -> None:
    request = GetToken("EtGoogle0001")

    outcome = await pipeline.run(request)

    token = pipeline.slack.state.tokens["EtGoogle0001"]
    assert isinstance(outcome, Fetched)
    assert outcome.token.token.get_secret_value() == token.value
    assert outcome.token.extras == token.extras
    assert (outcome.request, outcome.at, outcome.reference) == (request, pipeline.clock.now(), "ABCD2345")


@pytest.mark.parametrize(
    ("request_", "action", "parameters"),
    [
        (GetToken("EtGoogle0001"), "get", {"external_token_id": "EtGoogle0001"}),
        (GetToken("EtGoogle0001", True), "refresh", {"external_token_id": "EtGoogle0001", "force_refresh": True}),
        (GetToken("EtGoogle0001", False), "get", {"external_token_id": "EtGoogle0001", "force_refresh": False}),
        (GetToken("EtGoogle0001", show=True), "show", {"external_token_id": "EtGoogle0001"}),
        (DeleteTokens("EtGoogle0001"), "delete", {"external_token_id": "EtGoogle0001"}),
        (DeleteTokens(provider_key="google"), "delete", {"provider_key": "google"}),
    ],
)
async def test_the_audit_log_and_the_observers_hear_who_did_what(
    pipeline: Pipeline, request_: GetToken | DeleteTokens, action: str, parameters: dict[str, object]
) -> None:
    outcome = await pipeline.run(request_)

    (entry,) = await pipeline.entries()
    done = "deleted" if isinstance(outcome, Deleted) else "fetched"
    assert (entry.user_id, entry.team_id, entry.enterprise_id) == (ADMIN, "T0SANDBOX", "E1")
    assert (entry.action, entry.parameters, entry.outcome, entry.code) == (action, parameters, done, None)
    assert (entry.reference, entry.milliseconds) == ("ABCD2345", 0)
    assert (entry.token_hmac is None) == (done == "deleted")
    ((event, result),) = pipeline.told
    assert event == Event("ABCD2345", "T0SANDBOX", "E1", ADMIN, action, entry.parameters)
    assert (result.outcome, result.code, result.milliseconds) == (done, None, 0)
    method = "apps.auth.external.delete" if done == "deleted" else GET
    assert pipeline.calls(method) == [parameters]


async def test_a_deletion_comes_back_with_its_request(pipeline: Pipeline) -> None:
    request = DeleteTokens("EtGoogle0001")
    assert await pipeline.run(request) == Deleted(
        request, "ABCD2345", frozenset(Permission) - {Permission.APPROVE, Permission.SETTINGS}
    )
    assert "EtGoogle0001" not in pipeline.slack.state.tokens


async def test_a_failure_carries_slacks_error_and_is_recorded(pipeline: Pipeline) -> None:
    request = GetToken("EtErr.invalid_auth")

    outcome = await pipeline.run(request)

    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, RefusedError)
    assert (outcome.request, outcome.error.code, outcome.reference) == (request, "invalid_auth", "ABCD2345")
    (entry,) = await pipeline.entries()
    assert (entry.outcome, entry.code) == ("failed", "invalid_auth")
    assert pipeline.told[0][1] == AuditResult("failed", "invalid_auth", 0)


async def test_a_list_comes_back_with_what_the_person_may_do_and_is_recorded_as_it_was_asked(tmp_path: Path) -> None:
    async with open_pipeline(tmp_path, EXTAUTH_LIST_ALLOW="members", EXTAUTH_GET_ALLOW="members") as pipeline:
        request = ListAccounts("google", older_than=ListPosition(1, "Et1"))

        outcome = await pipeline.run(request, MEMBER)

        assert isinstance(outcome, Listed)
        assert (outcome.request, outcome.reference) == (request, "ABCD2345")
        assert len(outcome.accounts.accounts) == len(pipeline.slack.state.tokens)
        assert outcome.allowed == {Permission.GET, Permission.SHOW, Permission.TEST, Permission.LIST}
        (entry,) = await pipeline.entries()
        assert (entry.user_id, entry.action, entry.parameters) == (MEMBER, "list", {"provider_key": "google"})
        assert (entry.outcome, entry.code, entry.token_hmac) == ("listed", None, None)
        assert pipeline.told[0][1] == AuditResult("listed", None, 0)
        assert pipeline.calls(LIST) == [{"include_workflows": True, "app_id": APP_ID}]


@pytest.mark.parametrize(
    ("set_up", "asked", "sent"),
    [
        ("", ListAccounts(), [APP_ID]),
        ("A0OTHER", ListAccounts(), ["A0OTHER"]),
        (f"A0OTHER, {APP_ID}", ListAccounts("jira"), ["A0OTHER", APP_ID]),
        (f"A0OTHER, {APP_ID}", ListAccounts(app_id=APP_ID), [APP_ID]),
    ],
)
async def test_the_apps_that_own_the_accounts_are_listed_as_one(
    tmp_path: Path, set_up: str, asked: ListAccounts, sent: list[str]
) -> None:
    async with open_pipeline(tmp_path, EXTAUTH_APP_ID=set_up) as pipeline:
        own = set(pipeline.slack.state.tokens)
        pipeline.slack.state.tokens["EtOther00001"] = StoredToken("EtOther00001", "jira", "a-token", app_id="A0OTHER")
        outcome = await pipeline.run(asked)
        assert isinstance(outcome, Listed)
        assert [call["app_id"] for call in pipeline.calls(LIST)] == sent
        expected = ({"EtOther00001"} if "A0OTHER" in sent else set()) | (own if APP_ID in sent else set())
        assert {account.token_id for account in outcome.accounts.accounts} == expected
        assert [entry.action for entry in await pipeline.entries()] == ["list"]


async def test_the_app_in_a_payload_is_listed_and_no_app_where_slack_names_none(tmp_path: Path) -> None:
    async with open_pipeline(tmp_path) as pipeline:
        pipeline.slack.state.app_id = None
        pipeline.slack.state.tokens["EtOther00001"] = StoredToken("EtOther00001", "jira", "a-token", app_id="A0OTHER")
        for app_id, sent in (("A0OTHER", {"app_id": "A0OTHER"}), (None, {})):
            actor = replace(pipeline.actor(), app_id=app_id)
            await pipeline.service.run(actor, ListAccounts(), lambda _: None)
            assert pipeline.calls(LIST)[-1] == {"include_workflows": True, **sent}


async def test_another_app_s_token_lists_that_app_and_not_extauths_own(tmp_path: Path) -> None:
    async with open_pipeline(tmp_path, EXTAUTH_API_TOKEN="xoxp-may-use-them") as pipeline:
        pipeline.slack.state.api_tokens = {"xoxp-may-use-them"}
        pipeline.slack.state.app_id = "A0OTHER"
        pipeline.slack.state.tokens["EtOther00001"] = StoredToken("EtOther00001", "jira", "a-token", app_id="A0OTHER")
        await pipeline.service.run(replace(pipeline.actor(), app_id=APP_ID), ListAccounts(), lambda _: None)
        assert pipeline.calls(LIST) == [{"include_workflows": True, "app_id": "A0OTHER"}]


async def test_an_app_that_only_a_payload_names_is_tried_and_then_left_out(tmp_path: Path) -> None:
    async with open_pipeline(tmp_path) as pipeline:
        actor = replace(pipeline.actor(), app_id="A0PAYLOAD")
        outcome = await pipeline.service.run(actor, ListAccounts(), lambda _: None)
        assert isinstance(outcome, Listed)
        assert len(outcome.accounts.accounts) == len(pipeline.slack.state.tokens)
        assert [call.get("app_id") for call in pipeline.calls(LIST)] == ["A0PAYLOAD", None]
        named = await pipeline.service.run(actor, ListAccounts(app_id="A0NOWHERE"), lambda _: None)
        assert isinstance(named, Failed), "what a person or a setting names is taken at its word"


async def test_of_several_apps_one_that_slack_refuses_fails_the_list(tmp_path: Path) -> None:
    async with open_pipeline(tmp_path, EXTAUTH_APP_ID=f"{APP_ID} A0NOWHERE") as pipeline:
        outcome = await pipeline.run(ListAccounts())
        assert isinstance(outcome, Failed)
        assert outcome.error.code == "app_not_found"
        assert outcome.error.detail == ("The app is A0NOWHERE.",)


async def test_a_refused_list_comes_with_the_ids_this_person_used(pipeline: Pipeline) -> None:
    for token_id in ("EtGoogle0001", "EtGitHub0001", "EtShort00001", "EtGoogle0001", "EtNobodyHas1"):
        await pipeline.run(GetToken(token_id))
    await pipeline.run(GetToken("EtSalesforce1"), OWNER)
    await pipeline.run(DeleteTokens("EtShort00001"))
    pipeline.slack.web_api.failures[LIST] = "not_allowed_token_type"

    outcome = await pipeline.run(ListAccounts())

    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, RefusedError)
    assert outcome.recent_ids == ("EtGoogle0001", "EtGitHub0001")
    assert (await pipeline.entries())[0].code == "not_allowed_token_type"


async def test_at_most_the_last_five_ids_are_offered(pipeline: Pipeline) -> None:
    pipeline.slack.web_api.failures[LIST] = "unknown_method"
    plant_accounts(pipeline.slack.state, 7)
    first = await pipeline.run(ListAccounts())
    assert isinstance(first, Failed)
    assert first.recent_ids == ()
    for number in range(1, 8):
        await pipeline.run(GetToken(f"EtMany{number:06d}"))
    then = await pipeline.run(ListAccounts())
    assert isinstance(then, Failed)
    assert then.recent_ids == tuple(f"EtMany{number:06d}" for number in range(7, 2, -1))


async def test_without_a_workspace_or_a_readable_log_a_refused_list_is_a_refused_list(pipeline: Pipeline) -> None:
    pipeline.slack.web_api.failures[LIST] = "unknown_method"
    await pipeline.run(GetToken("EtGoogle0001"))
    nowhere = replace(pipeline.actor(), team_id=None)
    assert await recent_token_ids(pipeline.audit_log, nowhere) == ()
    assert await recent_token_ids(pipeline.audit_log, pipeline.actor()) == ("EtGoogle0001",)
    pipeline.execute("ALTER TABLE audit_records RENAME TO elsewhere")
    assert await recent_token_ids(pipeline.audit_log, pipeline.actor()) == ()


async def test_the_duration_is_that_of_the_call(pipeline: Pipeline) -> None:
    pipeline.slack.web_api.failures[GET] = "429"
    waits: list[int] = []
    outcome = await pipeline.service.run(
        pipeline.actor(), GetToken("EtGoogle0001"), lambda seconds_left: waits.append(seconds_left())
    )
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, RateLimitedError)
    assert outcome.error.retry_after == 3600
    assert waits == []


async def test_waits_are_reported_and_counted_in_the_duration(pipeline: Pipeline) -> None:
    for _ in range(50):
        pipeline.slack.web_api.rate_limits.retry_after(GET)
    waits: list[int] = []

    def progress(seconds_left: SecondsLeft) -> None:
        seconds = seconds_left()
        waits.append(seconds)
        # The simulator's limits run on the machine's clock: lift them for the next attempt.
        pipeline.slack.web_api.rate_limits.is_on = False
        pipeline.clock.advance_when_asleep(seconds)

    outcome = await pipeline.service.run(pipeline.actor(), GetToken("EtGoogle0001"), progress)

    assert isinstance(outcome, Fetched)
    (entry,) = await pipeline.entries()
    assert waits
    assert entry.milliseconds == waits[0] * 1000


@pytest.mark.parametrize("request_", [GetToken("EtGoogle0001", show=True), DeleteTokens(provider_key="google")])
async def test_a_denied_request_is_recorded_whole_and_nothing_is_sent(
    pipeline: Pipeline, request_: GetToken | DeleteTokens
) -> None:
    outcome = await pipeline.run(request_, GUEST)

    assert isinstance(outcome, Denied)
    assert (outcome.decision.reason, outcome.reference) == (Reason.GUEST, "ABCD2345")
    assert outcome.decision.permission is request_.operation.permission
    (entry,) = await pipeline.entries()
    assert (entry.user_id, entry.action) == (GUEST, request_.operation.action)
    assert (entry.parameters, entry.outcome, entry.code) == (request_.arguments(), "denied", "guest")
    assert [(event.action, result) for event, result in pipeline.told] == [
        (request_.operation.action, AuditResult("denied", "guest", 0))
    ]
    assert pipeline.calls(GET) == pipeline.calls("apps.auth.external.delete") == []


async def test_a_denial_stands_even_when_it_cannot_be_recorded(pipeline: Pipeline) -> None:
    pipeline.execute("ALTER TABLE audit_records RENAME TO gone")
    assert isinstance(await pipeline.run(GetToken("EtGoogle0001"), GUEST), Denied)
    assert pipeline.told[0][1].outcome == "denied"
    assert pipeline.calls(GET) == []


async def test_a_request_that_cannot_be_recorded_is_not_sent(pipeline: Pipeline) -> None:
    pipeline.execute("ALTER TABLE audit_records RENAME TO gone")
    request = GetToken("EtGoogle0001")
    assert await pipeline.run(request) == NotRecorded(request, None, "ABCD2345")
    assert pipeline.calls(GET) == []
    assert pipeline.told[0][1] == AuditResult("not recorded", None, 0)


NO_RESULTS = (
    "CREATE TRIGGER no BEFORE INSERT ON audit_records WHEN NEW.kind = 'result' BEGIN SELECT RAISE(ABORT, 'full'); END"
)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (GetToken("EtGoogle0001"), "withheld"),
        (ListAccounts(), "withheld"),
        (DeleteTokens("EtGoogle0001"), "deleted"),
        (GetToken("EtErr.invalid_auth"), "failed"),
    ],
)
async def test_a_result_that_cannot_be_recorded_is_withheld(
    pipeline: Pipeline, request_: TokenRequest, told: str
) -> None:
    pipeline.execute(NO_RESULTS)
    outcome = await pipeline.run(request_)
    assert isinstance(outcome, NotRecorded)
    assert (outcome.request, outcome.reference) == (request_, "ABCD2345")
    assert type(outcome.done) in {"withheld": (Fetched, Listed), "deleted": (Deleted,), "failed": (Failed,)}[told]
    assert [(result.outcome, result.token) for _, result in pipeline.told] == [(told, None)]
    (entry,) = await pipeline.entries()
    assert entry.outcome is None

    pipeline.execute("DROP TRIGGER no")
    await pipeline.clock.until_asleep(RETRY_SECONDS)
    pipeline.clock.advance(RETRY_SECONDS)
    async with asyncio.timeout(10):
        while (await pipeline.entries())[0].outcome is None:  # noqa: ASYNC110 (a row wakes nobody)
            await asyncio.sleep(0.01)
    assert (await pipeline.entries())[0].outcome == told


async def test_opening_a_form_is_admitted_by_any_of_its_permissions(tmp_path: Path) -> None:
    async with open_pipeline(tmp_path, EXTAUTH_DELETE_ALLOW="members") as pipeline:
        forms = [OpenForm(Operation.GET), OpenForm(Operation.DELETE)]
        decisions = await pipeline.service.admit(pipeline.actor(MEMBER), forms)
        assert not isinstance(decisions, Denied | AlreadyRun)
        assert {permission: decision.allowed for permission, decision in decisions.items()} == {
            Permission.GET: False,
            Permission.SHOW: False,
            Permission.TEST: False,
            Permission.DELETE: True,
            Permission.LIST: False,
            Permission.CONNECT: False,
            Permission.HISTORY: False,
        }
        assert await pipeline.entries() == []

        denied = await pipeline.service.admit(pipeline.actor(MEMBER), forms[:1])
        assert isinstance(denied, Denied)
        assert denied.decision.permission is Permission.GET
        (entry,) = await pipeline.entries()
        assert (entry.action, entry.parameters, entry.code) == ("get", {}, "not listed")


async def test_a_modal_for_a_request_is_denied_with_the_request_on_record(pipeline: Pipeline) -> None:
    request = DeleteTokens(provider_key="google")
    assert isinstance(await pipeline.service.admit(pipeline.actor(GUEST), [request]), Denied)
    (entry,) = await pipeline.entries()
    assert (entry.action, entry.parameters) == ("delete", {"provider_key": "google"})


async def test_the_api_token_is_used_where_there_is_one(tmp_path: Path) -> None:
    async with open_pipeline(tmp_path, EXTAUTH_API_TOKEN="xoxp-may-use-them") as pipeline:
        pipeline.slack.state.api_tokens = {"xoxp-may-use-them"}
        assert isinstance(await pipeline.run(GetToken("EtGoogle0001")), Fetched)
        assert isinstance(await pipeline.run(DeleteTokens("EtGoogle0001")), Deleted)


async def test_groups_of_every_list_are_looked_up(tmp_path: Path) -> None:
    async with open_pipeline(tmp_path, EXTAUTH_GET_ALLOW="S0GET", EXTAUTH_DELETE_ALLOW="S0DELETE") as pipeline:
        pipeline.slack.state.groups |= {"S0GET": [MEMBER], "S0DELETE": []}
        decisions = await pipeline.service.authorize(pipeline.actor(MEMBER))
        assert decisions[Permission.GET].reason is Reason.GROUP
        assert decisions[Permission.DELETE].reason is Reason.NOT_LISTED


async def test_history_is_a_page_of_this_workspace_and_is_not_itself_recorded(pipeline: Pipeline) -> None:
    for number in range(3):
        await pipeline.run(GetToken(f"EtNone{number}"))
    elsewhere = Actor(ADMIN, "T0OTHER", None, SecretStr(""), "WXYZ2345")
    await pipeline.audit_log.attempt(elsewhere, GetToken("EtElsewhere"))

    page = await pipeline.run(ReadHistory(2))
    assert isinstance(page, HistoryPage)
    assert [entry.parameters["external_token_id"] for entry in page.entries] == ["EtNone2", "EtNone1"]
    assert (page.has_older, page.has_newer, page.request) == (True, False, ReadHistory(2))
    assert page.reference == "ABCD2345"

    rest = await pipeline.run(ReadHistory(2, before=page.entries[-1].number))
    assert isinstance(rest, HistoryPage)
    assert [entry.parameters["external_token_id"] for entry in rest.entries] == ["EtNone0"]
    assert (rest.has_older, rest.has_newer) == (False, True)
    assert len(await pipeline.entries()) == 3


async def test_the_history_goes_back_and_forth(pipeline: Pipeline) -> None:
    for number in range(7):
        await pipeline.run(GetToken(f"EtNone{number}"))
        await pipeline.run(DeleteTokens(provider_key="google"))

    async def page(request: ReadHistory) -> tuple[str, bool, bool]:
        found = await pipeline.run(request)
        assert isinstance(found, HistoryPage)
        shown = "".join(str(entry.parameters.get("external_token_id", "EtNone-"))[6:] for entry in found.entries)
        return shown, found.has_older, found.has_newer

    numbers = [entry.number for entry in await pipeline.entries() if "external_token_id" in entry.parameters]
    for token_id, there in (("EtNone3", "3"), ("EtNone7", "")):
        assert await page(ReadHistory(5, external_token_id=token_id)) == (there, False, False)
    assert await page(ReadHistory(25, ADMIN)) == ("-6-5-4-3-2-1-0", False, False)
    assert await page(ReadHistory(25, MEMBER)) == ("", False, False)
    assert await page(ReadHistory(25, provider_key="google")) == ("-------", False, False)
    assert await page(ReadHistory(25, provider_key="goog")) == ("", False, False)
    assert await page(ReadHistory(4, before=numbers[2])) == ("-3-2", True, True)
    assert await page(ReadHistory(4, after=numbers[4])) == ("4-3-", True, True)
    # What is newer is less than a page: the first page, whole.
    assert await page(ReadHistory(4, after=numbers[1])) == ("-6-5", True, False)
    assert await page(ReadHistory(4, before=numbers[6])) == ("", False, True)


async def test_a_denied_history_is_recorded_with_what_was_asked_for(pipeline: Pipeline) -> None:
    assert isinstance(await pipeline.run(ReadHistory(5), MEMBER), Denied)
    assert isinstance(await pipeline.run(ReadHistory(5, "U012345678", "EtX"), MEMBER), Denied)
    asked, entry = await pipeline.entries()
    assert (entry.action, entry.parameters, entry.outcome, entry.code) == ("history", {}, "denied", "not listed")
    assert asked.parameters == {"user_id": "U012345678", "external_token_id": "EtX"}


async def test_a_log_that_cannot_be_read_says_so(pipeline: Pipeline) -> None:
    pipeline.execute("ALTER TABLE audit_records RENAME TO gone")
    assert await pipeline.run(ReadHistory(5)) == HistoryUnavailable(ReadHistory(5), "ABCD2345")


async def test_without_a_workspace_there_is_no_history(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    state = pipeline.slack.state
    state.enterprise_id, state.is_org_install = "E1", True
    state.people[ADMIN].enterprise_user = {"enterprise_id": "E1", "teams": ["T0SANDBOX"]}
    assert isinstance(await pipeline.run(GetToken("EtGoogle0001")), Fetched)
    state.people[ADMIN].enterprise_user = {"enterprise_id": "E1", "teams": ["T0SANDBOX"], "is_admin": True}
    pipeline.clock.advance(60)
    actor = replace(pipeline.actor(), team_id=None)
    request = ReadHistory(5)
    assert await pipeline.service.run(actor, request, lambda _: None) == HistoryUnavailable(request, "ABCD2345")
    assert lines(caplog)[-1] == ("ERROR", "the audit log was asked for without a workspace", {})


async def test_what_is_cut_off_before_slack_answers_is_recorded_as_interrupted(pipeline: Pipeline) -> None:
    pipeline.slack.web_api.failures["apps.auth.external.delete"] = "429-50"
    running = asyncio.ensure_future(pipeline.run(DeleteTokens("EtGoogle0001")))
    await pipeline.clock.until_asleep(50)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    (entry,) = await pipeline.entries()
    assert (entry.action, entry.outcome, entry.milliseconds) == ("delete", "interrupted", 0)
    assert [(event.user_id, result.outcome) for event, result in pipeline.told] == [(ADMIN, "interrupted")]


@pytest.mark.parametrize(
    ("request_", "outcome"), [(GetToken("EtGoogle0001"), "withheld"), (DeleteTokens("EtGoogle0001"), "deleted")]
)
async def test_what_is_cut_off_while_its_result_is_recorded_says_how_it_ended(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, request_: GetToken | DeleteTokens, outcome: str
) -> None:
    finish, calls = pipeline.audit_log.finish, 0

    async def slow_at_first(attempt: Attempt, result: AuditResult) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            running.cancel()
            await asyncio.sleep(0)
        await finish(attempt, result)

    # Nothing else tells a test that the result is being recorded.
    monkeypatch.setattr(pipeline.audit_log, "finish", slow_at_first)
    running = asyncio.ensure_future(pipeline.run(request_))
    with pytest.raises(asyncio.CancelledError):
        await running
    (entry,) = await pipeline.entries()
    assert (entry.outcome, entry.token_hmac) == (outcome, None)


Lines = list[tuple[str, str, dict[str, object]]]
_FIELDS = ("action", "user_id", "team_id", "outcome", "code", "reason", "why")


def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """Return the service's log: level, message, and the fields that are set."""
    return [
        (
            record.levelname,
            record.message,
            {name: vars(record)[name] for name in _FIELDS if name in vars(record)},
        )
        for record in caplog.records
        if record.name == "bot.service"
    ]


async def test_each_outcome_is_a_line_of_the_log(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await pipeline.run(GetToken("EtGoogle0001", show=True))
    await pipeline.run(DeleteTokens("EtErr.invalid_auth"))
    await pipeline.run(DeleteTokens(provider_key="google"), GUEST)
    who = {"user_id": ADMIN, "team_id": "T0SANDBOX"}
    assert lines(caplog) == [
        ("INFO", "outcome", {"action": "show", **who, "outcome": "fetched", "code": None}),
        ("INFO", "outcome", {"action": "delete", **who, "outcome": "failed", "code": "invalid_auth"}),
        ("WARNING", "denied", {"action": "delete", "user_id": GUEST, "team_id": "T0SANDBOX", "reason": "guest"}),
    ]


async def test_a_repeated_interaction_is_only_a_line_of_the_log(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    for user, request in ((ADMIN, GetToken("EtGoogle0001")), (GUEST, GetToken("EtGoogle0001"))):
        actor = replace(pipeline.actor(user), interaction=f"key of {user}")
        first = await pipeline.service.run(actor, request, lambda _: None)
        assert not isinstance(first, AlreadyRun)
        assert await pipeline.service.run(actor, request, lambda _: None) == AlreadyRun("ABCD2345")
    assert [message for _, message, _ in lines(caplog) if "again" in message] == [
        "an interaction came again and wasn't run again",
        "an interaction came again and wasn't denied again",
    ]
    assert [result.outcome for _, result in pipeline.told] == ["fetched", "denied"]


async def test_the_observers_hear_of_whom_it_was_when_nothing_can_be_recorded(pipeline: Pipeline) -> None:
    pipeline.execute(NO_RESULTS)
    await pipeline.run(GetToken("EtGoogle0001"))
    pipeline.execute("ALTER TABLE audit_records RENAME TO gone")
    await pipeline.run(GetToken("EtGoogle0001"))
    assert [(event.user_id, event.action, result.outcome) for event, result in pipeline.told] == [
        (ADMIN, "get", "withheld"),
        (ADMIN, "get", "not recorded"),
    ]


async def test_a_deletion_reports_its_waits(pipeline: Pipeline) -> None:
    pipeline.slack.web_api.failures["apps.auth.external.delete"] = "429-3"
    waits: list[int] = []
    running = asyncio.ensure_future(
        pipeline.service.run(
            pipeline.actor(), DeleteTokens("EtGoogle0001"), lambda seconds_left: waits.append(seconds_left())
        )
    )
    await pipeline.clock.until_asleep(3)
    assert waits == [3]
    del pipeline.slack.web_api.failures["apps.auth.external.delete"]
    pipeline.clock.advance(3)
    assert isinstance(await running, Deleted)


async def test_the_last_page_of_the_history_says_so(pipeline: Pipeline) -> None:
    for _ in range(3):
        await pipeline.run(GetToken("EtGoogle0001"))
    for count, shown, has_older in ((2, 2, True), (3, 3, False), (4, 3, False)):
        page = await pipeline.run(ReadHistory(count))
        assert isinstance(page, HistoryPage)
        assert (len(page.entries), page.has_older) == (shown, has_older)


@pytest.mark.slow
async def test_an_interruption_that_cannot_be_recorded_in_time_is_left_to_the_next_start(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline.slack.web_api.failures["apps.auth.external.delete"] = "429-50"
    running = asyncio.ensure_future(pipeline.run(DeleteTokens("EtGoogle0001")))
    await pipeline.clock.until_asleep(50)
    async with locked(pipeline.url):
        running.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await running
    assert [message for level, message, _ in lines(caplog) if level == "WARNING"] == [
        "an interruption couldn't be recorded yet"
    ]
    assert pipeline.told == []


async def test_a_log_that_fails_is_logged_with_its_reason(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    pipeline.execute("ALTER TABLE audit_records RENAME TO gone")
    await pipeline.run(GetToken("EtGoogle0001"))
    await pipeline.run(GetToken("EtGoogle0001"), GUEST)
    await pipeline.run(ReadHistory(5))
    pipeline.execute("ALTER TABLE gone RENAME TO audit_records")
    pipeline.execute(NO_RESULTS)
    await pipeline.run(GetToken("EtGoogle0001"))
    errors = [(message, str(fields["why"])) for level, message, fields in lines(caplog) if level == "ERROR"]
    assert [message for message, _ in errors] == [
        "the attempt couldn't be recorded, so nothing was done",
        "a denial couldn't be recorded",
        "the audit log couldn't be read",
        "the result couldn't be recorded, so it is withheld",
    ]
    assert ["audit_records" in why for _, why in errors[:3]] == [True] * 3
    assert "full" in errors[3][1]


def unattended(pipeline: Pipeline) -> Actor:
    return Actor.without_person(Unattended.SCHEDULE, Workspace("T0SANDBOX"), SecretStr(pipeline.slack.state.bot_token))


async def test_without_a_person_only_listing_and_testing_are_run(pipeline: Pipeline) -> None:
    actor = unattended(pipeline)
    assert isinstance(await pipeline.service.run(actor.step("1"), ListAccounts(), lambda _: None), Listed)
    await pipeline.service.run(actor.step("2"), CheckToken("EtGoogle0001"), lambda _: None)
    others: tuple[Runnable, ...] = (
        GetToken("EtGoogle0001"),
        GetToken("EtGoogle0001", show=True),
        GetToken("EtGoogle0001", force_refresh=True),
        DeleteTokens("EtGoogle0001"),
        DeleteTokens(provider_key="google"),
        ReadHistory(5),
    )
    for number, request in enumerate(others):
        outcome = await pipeline.service.run(actor.step(str(number + 3)), request, lambda _: None)
        assert isinstance(outcome, Denied)
        assert outcome.decision.reason is Reason.UNATTENDED
    assert not any(decision.allowed for decision in (await pipeline.service.authorize(actor)).values())
    assert pipeline.calls("users.info") == []
    assert [entry.user_id for entry in await pipeline.entries()] == ["schedule"] * 8
    assert [entry.outcome for entry in await pipeline.entries()] == ["denied"] * 6 + ["works", "listed"]


@pytest.mark.parametrize("user_id", ["schedule", "terminal"])
async def test_its_name_alone_gives_nothing(pipeline: Pipeline, user_id: str) -> None:
    assert isinstance(await pipeline.run(CheckToken("EtGoogle0001"), user_id), Denied)
    assert pipeline.calls(GET) == []


async def test_own_entries_are_the_actor_s_alone(pipeline: Pipeline) -> None:
    await pipeline.run(GetToken("EtGoogle0001"))
    await pipeline.run(GetToken("EtGoogle0001"), MEMBER)
    await pipeline.run(ListAccounts())
    own = await pipeline.service.own_entries(pipeline.actor(), 10)
    assert [entry.action for entry in own] == ["list", "get"]
    assert [entry.action for entry in await pipeline.service.own_entries(pipeline.actor(), 10, Operation.LIST)] == [
        "list"
    ]
    assert [entry.outcome for entry in await pipeline.service.own_entries(pipeline.actor(MEMBER), 10)] == ["denied"]
    assert await pipeline.service.own_entries(replace(pipeline.actor(), team_id=None), 10) == ()
    pipeline.execute("ALTER TABLE audit_records RENAME TO gone")
    assert await pipeline.service.own_entries(pipeline.actor(), 10) == ()


CHANGE = ChangeSettings(["contact"], "T0SANDBOX", 3)
CHANGED = {"contact": "changed", "workspace": "T0SANDBOX", "version": "3"}


@asynccontextmanager
async def open_settings_pipeline(folder: Path) -> AsyncIterator[Pipeline]:
    """A pipeline whose admins can change settings."""
    async with open_pipeline(folder, has_settings=True) as opened:
        opened.slack.state.people[ADMIN].is_admin = True
        yield opened


async def test_a_step_is_recorded_with_its_result_and_told(tmp_path: Path) -> None:
    async with open_settings_pipeline(tmp_path) as pipeline:
        taken = []

        async def act() -> AuditResult:
            taken.append(await pipeline.entries())
            return AuditResult("saved", None, 5)

        assert await pipeline.service.step(pipeline.actor(), CHANGE, act) == AuditResult("saved", None, 5)
        ((attempt,),) = taken
        assert (attempt.action, attempt.parameters, attempt.outcome) == ("settings", CHANGED, None)
        (entry,) = await pipeline.entries()
        assert (entry.number, entry.outcome, entry.milliseconds) == (attempt.number, "saved", 5)
        assert pipeline.told == [(Event.of(pipeline.actor(), CHANGE), AuditResult("saved", None, 5))]


async def test_a_step_is_denied_to_others_and_taken_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_settings_pipeline(tmp_path) as pipeline:
        taken = []

        async def act() -> AuditResult:
            taken.append(1)
            return AuditResult("saved", None, 0)

        denied = await pipeline.service.step(pipeline.actor(MEMBER), CHANGE, act)
        assert isinstance(denied, Denied)
        assert (denied.decision.permission, denied.decision.reason) == (Permission.SETTINGS, Reason.NOT_LISTED)
        clicked = replace(pipeline.actor(), interaction="i" * 64)
        assert isinstance(await pipeline.service.step(clicked, CHANGE, act), AuditResult)
        assert await pipeline.service.step(clicked, CHANGE, act) == AlreadyRun("ABCD2345")
        assert caplog.messages[-1] == "an interaction came again and wasn't run again"
        assert taken == [1]


async def test_a_step_that_breaks_is_recorded_later_as_interrupted(tmp_path: Path) -> None:
    async with open_settings_pipeline(tmp_path) as pipeline:

        async def act() -> AuditResult:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await pipeline.service.step(pipeline.actor(), CHANGE, act)
        assert pipeline.told == [(Event.of(pipeline.actor(), CHANGE), AuditResult("interrupted", None, 0))]
        await pipeline.clock.until_asleep(RETRY_SECONDS)
        pipeline.clock.advance(RETRY_SECONDS)
        await until(pipeline.audit_log, "interrupted")


async def test_a_step_whose_result_cannot_be_recorded_is_recorded_later_as_it_was(tmp_path: Path) -> None:
    async with open_settings_pipeline(tmp_path) as pipeline:

        async def act() -> AuditResult:
            pipeline.execute("ALTER TABLE audit_heads RENAME TO gone")
            return AuditResult("saved", None, 0)

        with pytest.raises(DatabaseError):
            await pipeline.service.step(pipeline.actor(), CHANGE, act)
        assert pipeline.told == [(Event.of(pipeline.actor(), CHANGE), AuditResult("saved", None, 0))]
        pipeline.execute("ALTER TABLE gone RENAME TO audit_heads")
        await pipeline.clock.until_asleep(RETRY_SECONDS)
        pipeline.clock.advance(RETRY_SECONDS)
        await until(pipeline.audit_log, "saved")


async def test_a_step_that_is_cut_off_is_recorded_in_time(tmp_path: Path) -> None:
    async with open_settings_pipeline(tmp_path) as pipeline:
        begun = asyncio.Event()

        async def act() -> AuditResult:
            begun.set()
            await asyncio.Event().wait()
            return AuditResult("saved", None, 0)

        stepping = asyncio.ensure_future(pipeline.service.step(pipeline.actor(), CHANGE, act))
        await begun.wait()
        stepping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stepping
        (entry,) = await pipeline.entries()
        assert entry.outcome == "interrupted"


async def test_what_happens_unattended_to_a_request_is_recorded_and_told(pipeline: Pipeline) -> None:
    request = DeleteTokens(provider_key="google")
    await pipeline.service.note(pipeline.actor(), request, AuditResult("expired", None, 0))
    (entry,) = await pipeline.entries()
    assert (entry.action, entry.parameters, entry.outcome) == ("delete", {"provider_key": "google"}, "expired")
    assert pipeline.told == [(Event.of(pipeline.actor(), request), AuditResult("expired", None, 0))]


async def test_who_loses_the_permission_while_waiting_gets_nothing_and_the_log_says_so(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(60):
        pipeline.slack.web_api.rate_limits.retry_after(GET)
    running = asyncio.ensure_future(pipeline.run(GetToken("EtGoogle0001")))
    await pipeline.clock.until_sleeping(1)
    pipeline.slack.state.people[ADMIN].is_admin = pipeline.slack.state.people[ADMIN].is_owner = False
    pipeline.clock.advance(61)
    outcome = await running
    assert isinstance(outcome, Denied)
    assert outcome.decision.reason is Reason.NOT_LISTED
    (entry,) = await pipeline.entries()
    assert (entry.outcome, entry.code, entry.milliseconds) == ("denied", "not listed", 61_000)
    assert pipeline.told[-1][1] == AuditResult("denied", "not listed", 61_000)
    (said,) = [record for record in caplog.records if record.message == "not sent"]
    assert (said.__dict__["action"], said.__dict__["outcome"], said.__dict__["reason"]) == (
        "get",
        "denied",
        "not listed",
    )


async def test_the_time_of_a_request_for_approval_and_its_decision_are_the_logs(pipeline: Pipeline) -> None:
    async def note(user: str, reference: str, request: Request, outcome: str) -> None:
        actor = replace(pipeline.actor(user), reference=reference)
        await pipeline.service.note(actor, request, AuditResult(outcome, None, 0))

    asked = Batch.of(pipeline.actor(), Operation.DELETE, [Item("Et1"), Item("Et2")], pipeline.clock.now())
    other = replace(asked, reference="EFGH2345")
    for one in (asked, other):
        await note(ADMIN, one.reference, AskApproval(one), "requested")
    assert await pipeline.service.now(asked) == pipeline.clock.now()
    assert not await pipeline.service.is_decided(asked)
    await note(ADMIN, "WXYZ2345", Decide(asked, approves=True), "failed")
    await note(OWNER, "JKMN2345", Decide(other, approves=False), "declined")
    assert not await pipeline.service.is_decided(asked)
    assert await pipeline.service.is_decided(other)
    await note(OWNER, "PQRS2345", Decide(asked, approves=True), "approved")
    assert await pipeline.service.is_decided(asked)
    with pytest.raises(AlteredLog, match="doesn't have the request"):
        await pipeline.service.is_decided(replace(asked, reference="TVWX2345"))


async def test_a_form_offers_accounts_to_those_who_may_list_and_ids_to_those_who_may_use_them(
    pipeline: Pipeline,
) -> None:
    await pipeline.run(GetToken("EtGoogle0001"))
    found = await pipeline.service.accounts(pipeline.actor())
    assert found is not None
    assert len(found.accounts) == len(pipeline.slack.state.tokens)
    assert (await pipeline.entries())[0].action == "list"
    decisions = await pipeline.service.authorize(pipeline.actor())
    assert pipeline.service.can_expect_accounts(pipeline.actor(), decisions)
    assert await pipeline.service.recent_ids(pipeline.actor()) == ("EtGoogle0001",)
    assert await pipeline.service.accounts(pipeline.actor(MEMBER)) is None
    assert await pipeline.service.recent_ids(pipeline.actor(MEMBER)) == ()
    assert not pipeline.service.can_expect_accounts(
        pipeline.actor(MEMBER), await pipeline.service.authorize(pipeline.actor(MEMBER))
    )


async def test_the_version_of_settings_is_the_last_that_was_saved(pipeline: Pipeline) -> None:
    async def save(version: int, outcome: str, place: str = "T0SANDBOX") -> None:
        request = ChangeSettings(["contact"], place, version)
        await pipeline.service.note(pipeline.actor(), request, AuditResult(outcome, None, 0))

    async def version(place: str) -> int:
        return await run(pipeline.url, lambda connection: pipeline.audit_log.settings_version(connection, place))

    assert await version("T0SANDBOX") == 0
    await save(1, "saved")
    await save(9, "failed")
    await save(2, "saved")
    await save(7, "saved", "E1")
    await save(1, "saved")
    assert await version("T0SANDBOX") == 2
    assert await version("E1") == 7
    assert await version("T0OTHER") == 0
