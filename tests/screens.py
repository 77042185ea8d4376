"""Every screen that people see in Slack: each with typical values, and some once more with the longest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from bot.access import AllowList, ApprovalPolicy, Decision, Reason
from bot.actor import Actor
from bot.audit.entries import Entry, ReadHistory
from bot.batch import Batch, Item, ItemResult
from bot.commands.parser import parse
from bot.commands.subcommand import PastedTokenError, UsageError
from bot.environment import COMMAND
from bot.explanations import KNOWN_CODES
from bot.ids import FORMATS
from bot.jobs.account_states import LastTest
from bot.jobs.run import BatchEnding, BatchOutcome
from bot.jobs.survey import Change, ChangedAccount, Survey
from bot.listeners import LISTENERS
from bot.listeners.command import mistake_screen
from bot.operation import OpenForm, Operation, Permission
from bot.outcomes import (
    Connecting,
    Deleted,
    Denied,
    Done,
    Failed,
    Fetched,
    HistoryPage,
    HistoryUnavailable,
    Listed,
    NotRecorded,
    NotSent,
    Tested,
)
from bot.slack.external_auth.accounts import Account, AccountList, AccountState, Provider
from bot.slack.external_auth.errors import ExternalAuthError, RateLimitedError, RefusedError, UnconfirmedError
from bot.slack.external_auth.models import (
    CheckToken,
    ConnectAccount,
    DeleteTokens,
    ExternalToken,
    GetToken,
    ListAccounts,
    TokenRequest,
)
from bot.slack.mrkdwn import mention
from bot.views import cleanup_form as cleanup
from bot.views import connect, fields, get_form, menu, metadata, notices, outcomes, picker, settings_form, test_form
from bot.views import delete_form as delete
from bot.views import settings as screens
from bot.views.approvals import (
    decided_screen,
    ended_screen,
    not_asked_screen,
    not_decided_screen,
    request_screen,
    requested_screen,
    unapprovable_screen,
)
from bot.views.batches import (
    STOPPING,
    batch_screen,
    no_accounts_screen,
    no_such_account_screen,
    progress_screen,
    recent_note,
)
from bot.views.exports import copyable_export_screen, exported_screen
from bot.views.fields import Offer
from bot.views.help import command_screen, help_screen
from bot.views.home import Overview, RecentActivity, home_view
from bot.views.metadata import PendingDelete
from bot.views.outcomes import Shown, outcome_screen
from bot.views.parts import Screen, View
from bot.views.permissions import denied_screen
from bot.views.surveys import survey_text
from bot.workspaces.own_token import OTHER_WORKSPACE, UNREACHABLE
from bot.workspaces.runtime import Listing
from bot.workspaces.settings import WorkspaceSettings
from tests.submissions import submission

REFERENCE = "ABCD2345"
CONTACT = mention("U012ABCDEF")
AT = 1_800_000_000.0
METHODS: Mapping[type[TokenRequest], str] = {
    GetToken: "apps.auth.external.get",
    CheckToken: "apps.auth.external.get",
    DeleteTokens: "apps.auth.external.delete",
    ListAccounts: "apps.auth.external.list",
    ConnectAccount: "apps.auth.external.start",
}
ADMINS = AllowList.parse(["admins"])
MANY = AllowList.parse(["owners", *(f"U{number:03d}ABCDEF" for number in range(12)), "S012ABCDEF"])
ONE = DeleteTokens("EtGoogle0001")
PROVIDER = DeleteTokens(provider_key="google")
APP = DeleteTokens(app_id="A012ABCDEF")
BOTH = DeleteTokens(provider_key="google", app_id="A012ABCDEF")
GET, REFRESH = GetToken("EtGoogle0001"), GetToken("EtGoogle0001", force_refresh=True)
SHOW = GetToken("EtGoogle0001", show=True)
LIST = ListAccounts(provider_key="google")
CONNECT = ConnectAccount("google")
PAGE = SecretStr("https://accounts.google.com/o/oauth2/v2/auth?state=once")
TEST = CheckToken("EtGoogle0001")
ADA = Actor("U012ABCDEF", "T012ABCDEF", None, SecretStr(""), REFERENCE)
RECENT = ("EtGoogle0001", "EtGitHub0001")
LONGEST = DeleteTokens(provider_key="k" * 255, app_id="A" * 255)
REQUESTS: Mapping[Operation, TokenRequest] = {
    Operation.GET: GET,
    Operation.REFRESH: REFRESH,
    Operation.TEST: TEST,
    Operation.DELETE: ONE,
    Operation.DELETE_MANY: PROVIDER,
    Operation.LIST: LIST,
    Operation.CONNECT: CONNECT,
}
TYPED = (
    "gte EtGoogle0001",
    "gte google",
    "EtGoogle0001",
    "google",
    "get google",
    "get EtGoogle0001 EtGoogle0002",
    "get EtGoogle0001 --refresh",
    "get EtGoogle0001 --yes",
    "get EtGoogle0001 force_refresh",
    "get EtGoogle0001 --show=perhaps",
    "delete google",
    "delete --provider-key",
    "delete --app-id A1 --app-id A2",
    "history 26",
    "history google",
    "help gte",
    "history @ada",
    "history a1b2c3d4e5",
    "history EtGoogle0001 --provider-key google",
)
OFFERS = {
    "": Offer(can_show=True),
    ", with recent tokens": Offer(recent_ids=("EtGoogle0001", "EtGitHub0001"), can_show=True),
    ", with a list": Offer(has_list=True, can_show=True),
    ", without showing": Offer(),
}

LISTED = AccountList(
    (Provider("google", "Google"), Provider("zoom", "Zoom")),
    (Account("EtGoogle0001", "google", "ada@example.com"), Account("EtGoogle0002", "google", "bob@example.com")),
    True,
    0,
)
PICKED = {
    "nothing yet": picker.token_groups("", LISTED, ["EtGoogle0001"]),
    "an ID": picker.token_groups("EtNew00001", LISTED, []),
    "what isn't an ID": picker.token_groups("no such account", LISTED, []),
    "a token": picker.token_groups("ghp_" + "a1B2" * 9, LISTED, []),
    "a provider": picker.provider_groups("", LISTED),
}

FORMS: Sequence[Mapping[str, str]] = (
    {},
    {"external_token_id": "Et 1"},
    {"external_token_id": "a" * 300},
    {"external_token_id": "a/b"},
    {"external_token_id": "ghp_" + "a1B2" * 9},
    {"external_token_id": "EtGoogle0001", "provider_key": "google"},
)

LOOKED_UP = {
    "of a token": ReadHistory(10, external_token_id="EtGoogle0001"),
    "of a provider": ReadHistory(10, provider_key="google"),
    "of a person": ReadHistory(10, user_id="U012ABCDEF"),
    "of a token and a person": ReadHistory(10, user_id="U012ABCDEF", external_token_id="EtGoogle0001"),
}

Section = tuple[str, Screen | View | Sequence[str]]
"""A heading, and what is shown: a screen, a form, or texts that stand in one."""


def _error(code: str, request: TokenRequest) -> ExternalAuthError:
    method = METHODS[type(request)]
    if code == "ratelimited":
        return RateLimitedError(method, 300)
    family = UnconfirmedError if code in {"timeout", "fatal_error", "internal_error"} else RefusedError
    needed = "scope.example" if code == "missing_scope" else None
    return family(code, method, status=200, needed=needed, provided=needed)


def failures() -> Iterator[Section]:
    """Yield the explanation of each code after each operation where it differs."""
    for code in [*sorted(KNOWN_CODES), "brand_new_code"]:
        told: list[object] = []
        for operation, request in REQUESTS.items():
            failed = Failed(request, _error(code, request), AT, REFERENCE, RECENT, frozenset(Permission))
            screen = outcome_screen(failed, CONTACT)
            if screen.blocks[1:3] not in told:
                told.append(screen.blocks[1:3])
                yield f"{code} after {operation.value}", screen


def answers() -> Iterator[Section]:
    """Yield every other answer."""
    token = ExternalToken(SecretStr("ya29.example-token-of-a-provider"), {"scope": "openid email", "expires_in": 3599})
    outcomes: Mapping[str, Shown] = {
        "A token, masked": Fetched(GET, token, AT, REFERENCE, frozenset(Permission)),
        "A token, refreshed": Fetched(REFRESH, token, AT, REFERENCE, frozenset(Permission)),
        "A token, in full": Fetched(SHOW, token, AT, REFERENCE, frozenset(Permission)),
        "One token deleted": Deleted(ONE, REFERENCE, frozenset(Permission)),
        "A provider's tokens deleted": Deleted(PROVIDER, REFERENCE, frozenset(Permission)),
        "An app's tokens deleted": Deleted(APP, REFERENCE, frozenset(Permission)),
        "The longest deletion": Deleted(LONGEST, REFERENCE, frozenset(Permission)),
        "An account that works": Tested(TEST, REFERENCE),
        **_lists(),
        "A provider's page": Connecting(CONNECT, PAGE, REFERENCE),
        "A provider's page, watched": Connecting(CONNECT, PAGE, REFERENCE, is_watched=True),
        "The audit log can't be read": HistoryUnavailable(ReadHistory(10), REFERENCE),
        "The audit log": HistoryPage(ReadHistory(10), [*_entries()], True, False, REFERENCE),
        "The audit log, older": HistoryPage(ReadHistory(10, before=9), [*_deeds()], True, True, REFERENCE),
        "The audit log, newer": HistoryPage(ReadHistory(10, after=1), [*_deeds()][:1], True, True, REFERENCE),
        "The audit log, empty": HistoryPage(ReadHistory(10), [], False, False, REFERENCE),
        "The audit log, nothing older": HistoryPage(ReadHistory(10, before=5), [], False, True, REFERENCE),
        **{f"The audit log, {how}": HistoryPage(page, [], False, False, REFERENCE) for how, page in LOOKED_UP.items()},
    }
    yield from ((heading, outcome_screen(outcome, CONTACT)) for heading, outcome in outcomes.items())
    unrecorded: Sequence[tuple[TokenRequest, Done | None]] = (
        (GET, None),
        (GET, Fetched(GET, token, AT, REFERENCE, frozenset(Permission))),
        (TEST, Tested(TEST, REFERENCE)),
        (ONE, Deleted(ONE, REFERENCE)),
        (LIST, Listed(LIST, AccountList((), (), True, 0), frozenset(), REFERENCE)),
        (GET, Failed(GET, _error("token_not_found", GET), AT, REFERENCE)),
    )
    for request, done in unrecorded:
        title = f"Not recorded: {type(done).__name__.lower() if done is not None else 'the request'}"
        yield title, outcome_screen(NotRecorded(request, done, REFERENCE), CONTACT)
    for reason in (Reason.NOT_LISTED, *(reason for reason in Reason if not _allows(reason))):
        denied = Denied(GET, Decision(False, reason, Permission.GET, ADMINS), REFERENCE)
        yield f"Denied: {reason.value}", denied_screen(denied, CONTACT)
    account = Account("EtGoogle0001", "google", "ada@example.com", int(AT))
    yield "An account came", connect.connected_screen(account, REFERENCE, is_new=True)
    yield "An account came again", connect.connected_screen(replace(account, name=None), REFERENCE, is_new=False)
    yield "No account came", connect.unseen_screen("google", REFERENCE, is_cut=False)
    yield "No account came before a restart", connect.unseen_screen("google", REFERENCE, is_cut=True)
    longest = Denied(LONGEST, Decision(False, Reason.NOT_LISTED, Permission.DELETE, MANY), REFERENCE)
    yield "The longest denial", denied_screen(longest, CONTACT)


def _lists() -> Mapping[str, Listed]:
    google = Provider("google", "Google", has_client_secret=True, has_valid_token=True)
    zoom = Provider("zoom", "Zoom", has_client_secret=False, has_valid_token=False)
    accounts = [
        Account("EtGoogle0001", "google", "ada@example.com", int(AT), ("weekly_report", "daily_agenda")),
        Account("EtZoom000001", "zoom", None, None, tuple(f"workflow_{number}" for number in range(5))),
        *(
            Account(f"EtMany{number:06}", "google", f"person{number}@example.com", int(AT) - number)
            for number in range(20)
        ),
    ]
    allowed, many = frozenset(Permission), AccountList((google, zoom), tuple(accounts), True, 3)
    of_app = ListAccounts(app_id="A012ABCDEF")
    return {
        "Connected accounts": Listed(of_app, many, allowed, REFERENCE),
        "Connected accounts of a provider": Listed(ListAccounts("zoom"), many, allowed, REFERENCE),
        "Connected accounts, none": Listed(of_app, AccountList((google,), (), True, 0), allowed, REFERENCE),
        "Connected accounts, no providers": Listed(of_app, AccountList((), (), True, 0), allowed, REFERENCE),
        "Connected accounts, no such provider": Listed(ListAccounts("gogle"), many, allowed, REFERENCE),
    }


def _entries() -> Iterator[Entry]:
    outcomes = ("fetched", "works", "deleted", "listed", "failed", "denied", "withheld", "interrupted", None)
    for number, outcome in enumerate(outcomes, 1):
        code = {"failed": "token_not_found", "denied": "guest"}.get(outcome or "")
        parameters = {"external_token_id": "EtGoogle0001"}
        yield Entry(
            number, AT, REFERENCE, "T1", None, "U012ABCDEF", "get", parameters, outcome, code, 12, token_hmac=None
        )


def _deeds() -> Iterator[Entry]:
    done: Sequence[tuple[str, Mapping[str, str | bool], str]] = (
        ("show", {"external_token_id": "EtGoogle0001"}, "fetched"),
        ("refresh", {"external_token_id": "EtGoogle0001", "force_refresh": True}, "fetched"),
        ("refresh", {"external_token_id": "EtGoogle0001", "force_refresh": True}, "interrupted"),
        ("test", {"external_token_id": "EtGoogle0001"}, "works"),
        ("delete", {"external_token_id": "EtGoogle0001"}, "deleted"),
        ("delete", {"provider_key": "google"}, "deleted"),
        ("delete", {"app_id": "A012ABCDEF", "provider_key": "google"}, "deleted"),
        ("history", {"external_token_id": "EtGoogle0001"}, "denied"),
        ("history", {"user_id": "U345GHIJKL"}, "denied"),
    )
    for number, (action, parameters, outcome) in enumerate(done, 1):
        code = "guest" if outcome == "denied" else None
        yield Entry(number, AT, REFERENCE, "T1", None, "U012ABCDEF", action, parameters, outcome, code, 12, None)


def batches() -> Iterator[Section]:
    """Yield what a person sees of tests and deletions of several tokens."""
    items = [
        Item("EtGoogle0001", "google", "ada@example.com", ("weekly_report", "daily_agenda")),
        Item("EtGoogle0002", "google", "max@example.com"),
        Item("EtZoom000001", "zoom", None, ("call_summary",)),
        Item("EtPlain00001"),
        *(Item(f"EtMany{number:06}", "google", f"person{number}@example.com") for number in range(40)),
    ]
    rejected = (None, "no_refresh_token", "access_token_exchange_failed", "token_not_found", "internal_error")
    undeleted = (None, "unable_to_delete", "invalid_auth", "token_not_found", "internal_error")
    for operation, good, codes in ((Operation.TEST, "works", rejected), (Operation.DELETE, "deleted", undeleted)):
        name, batch = operation.value, replace(Batch.of(ADA, operation, items, AT), batch_id="0" * 32)
        results = [ItemResult("failed" if codes[number % 5] else good, codes[number % 5]) for number in range(44)]
        some, whole = replace(batch, results=tuple(results[:12])), replace(batch, results=tuple(results))
        few = replace(batch, items=batch.items[:2], results=(ItemResult(good),) * 2)
        yield f"Before: {name}", progress_screen(batch)
        yield f"During: {name}", progress_screen(some, 20)
        yield f"Stopping: {name}", STOPPING[operation]
        yield f"After: {name}", batch_screen(BatchOutcome(few, BatchEnding.DONE, REFERENCE), CONTACT)
        cut = BatchOutcome(some, BatchEnding.RESTARTED, REFERENCE, is_cut=True)
        yield f"Cut off: {name}", batch_screen(cut, CONTACT)
        yield (f"After, with failures: {name}", batch_screen(BatchOutcome(whole, BatchEnding.DONE, REFERENCE), CONTACT))
        for ending in (BatchEnding.STOPPED, BatchEnding.RESTARTED, BatchEnding.REFUSED, BatchEnding.NOT_RECORDED):
            ended = BatchOutcome(replace(few, results=few.results[:1]), ending, REFERENCE)
            yield f"Ended early: {name}, {ending.value}", batch_screen(ended, CONTACT)
    denied = Denied(ONE, Decision(False, Reason.GUEST, Permission.DELETE, ADMINS), REFERENCE)
    yield ("Ended early: denied", batch_screen(BatchOutcome(batch, BatchEnding.DENIED, REFERENCE, denied), CONTACT))
    failed = Failed(LIST, _error("not_allowed_token_type", LIST), AT, REFERENCE, RECENT)
    noted = BatchOutcome(few, BatchEnding.DONE, REFERENCE)
    yield "Tested without a list", batch_screen(noted, CONTACT, recent_note(failed))
    yield "Nothing to test", no_accounts_screen("google", is_complete=True)
    yield "A list without names", no_accounts_screen(None, is_complete=False)
    yield "No such account", no_such_account_screen("ada@exmaple.com")
    yield "Export", exported_screen(44)
    yield "Export, without a scope", copyable_export_screen("external_token_id,state\n", lacks_scope=True)
    yield "Export, without a file", copyable_export_screen("external_token_id,state\n", lacks_scope=False)
    yield "A batch of another day", notices.BATCH_GONE
    yield "No database", notices.no_database_screen(REFERENCE, CONTACT)
    yield "Killed: several", notices.restarted_batch_screen([*_entries()], REFERENCE)
    yield "Test", test_form.build("", Offer())
    yield "Delete several", cleanup.build_form("")
    yield "Delete several of a list", cleanup.build_form("", items[:4])
    for is_listed in (True, False):
        yield "Confirm several", cleanup.build_confirmation("", batch, is_listed=is_listed)


def approvals() -> Iterator[Section]:
    """Yield what is said of a deletion that needs approval."""
    item = Item("EtGoogle0001", "google", "ada@example.com", ("weekly_report",))
    whole = Batch.of(ADA, Operation.DELETE_MANY, [Item.of(BOTH)], AT)
    many = Batch.of(ADA, Operation.DELETE, [item, *(Item(f"EtMany{number:06}") for number in range(40))], AT)
    for name, batch in (("one", Batch.of(ADA, Operation.DELETE, [item], AT)), ("all", whole), ("several", many)):
        batch = replace(batch, batch_id="0" * 32, reference=REFERENCE)
        yield f"Asked for: {name}", request_screen(batch)
        yield f"Waiting: {name}", requested_screen(batch, "The request is in <#C012ABCDEF>.")
        yield f"Decided: {name}", decided_screen(batch, f"✓ Approved by {CONTACT}. Deleting…")
    yield "Declined", ended_screen(batch, "declined", "<@U345GHIJKL>")
    yield "Expired", ended_screen(batch, "expired")
    yield "Approved, but not begun", ended_screen(batch, "not begun")
    yield "Nobody asked", not_asked_screen(batch, CONTACT)
    yield "Can't be asked for", unapprovable_screen(DeleteTokens("Zm9vYmFyQmF6MTIzNDU2Nzg5MA"), CONTACT)
    for code in ("own_request", "expired", "decided", "off", "gone"):
        yield f"Not decided: {code}", not_decided_screen(code, REFERENCE)


def _allows(reason: Reason) -> bool:
    """Return whether the reason allows, is told apart, or isn't about people."""
    allowing = {Reason.NAMED, Reason.GROUP, Reason.OWNER, Reason.ADMIN, Reason.MEMBER}
    return reason in allowing | {Reason.NOT_LISTED, Reason.UNATTENDED}


def short_answers() -> Iterator[Section]:
    """Yield the notices."""
    screens = {
        "Checking": notices.CHECKING,
        "Fetching": outcomes.working_screen(GET),
        "Refreshing": outcomes.waiting_screen(REFRESH, None),
        "Stopped while waiting": notices.not_sent_screen(NotSent(REFRESH, REFERENCE)),
        "Deleting, with a wait": outcomes.waiting_screen(BOTH, 60),
        "Listing": outcomes.waiting_screen(ListAccounts(), None),
        "A modal that didn't open": notices.UNOPENED,
        "A modal that couldn't show a token": notices.UNSHOWN,
        "A modal that came too late": notices.TOO_LATE,
        "An old button": notices.OUTDATED,
        "An error in Extauth": notices.unexpected_screen(GET, REFERENCE, CONTACT),
        "Stopped in between": notices.interrupted_screen(ONE, REFERENCE),
        **{f"Killed during {entry.action}": outcomes.restarted_screen(entry) for entry in (*_entries(), *_deeds())},
        **{f"Pasted: {form.name}": notices.pasted_token_screen(form) for form in (FORMATS[0], FORMATS[-1])},
    }
    yield from screens.items()
    subcommands = [listener.subcommand for listener in LISTENERS]
    for typed in TYPED:
        try:
            parse(typed, subcommands)
        except UsageError as error:
            yield f"Typed: {typed}", mistake_screen(error, subcommands)
        except PastedTokenError:
            raise ValueError("A pasted token isn't a mistake in the usage.") from None


def forms() -> Iterator[Section]:
    """Yield the modals, their errors, help, and the App Home."""
    for where, offer in OFFERS.items():
        yield f"Get{where}", get_form.build("", offer)
        yield f"Delete{where}", delete.build_form("", offer)
    for name, groups in PICKED.items():
        options = [option["text"]["text"] for group in groups for option in group["options"]]
        labels = [group["label"]["text"] for group in groups]
        yield f"Picked while typing: {name}", [*labels, *options]
    for where, offer in OFFERS.items():
        yield f"Connect{where}", connect.build_form("", offer)
    yield "Menu", menu.build("", list(menu.LABELS), Operation.GET, Offer(can_show=True))
    for request in (ONE, PROVIDER, APP, BOTH, LONGEST):
        yield "Confirm", delete.build_confirmation("", PendingDelete.of(request))
    wrong = delete.parse_confirmation(submission({}, metadata.write(None, PendingDelete.of(PROVIDER))))
    mistakes = [*wrong.values()] if isinstance(wrong, dict) else []
    for filled in FORMS:
        values = {name: {name: {"value": value}} for name, value in filled.items()}
        for read in (get_form.parse, delete.parse_form):
            result = read(submission(values))
            mistakes += result.values() if isinstance(result, dict) else []
    for value in ("?a GitHub token", "?unlikely"):
        mistakes.append(str(picker.find_problem("external_token_id", value, f"{COMMAND} get ID")))
    both = {fields.RECENT: {fields.RECENT: {"value": "Et1"}}, fields.TOKEN_ID: {fields.TOKEN_ID: {"value": "Et2"}}}
    mixed = get_form.parse(submission(both))
    mistakes += mixed.values() if isinstance(mixed, dict) else []
    mistakes.append(str(picker.find_problem("provider_key", "?unlikely", f"{COMMAND} delete --provider-key KEY")))
    yield "Mistakes beside a field", [*dict.fromkeys(mistakes)]
    for listener in LISTENERS:
        subcommand = listener.subcommand
        options = [(option.spelling, option.does) for option in subcommand.options if option.does]
        screen = command_screen(subcommand.name, subcommand.usages, options)
        yield f"Help on {subcommand.name}", screen
    for name, reason in (("an admin", Reason.ADMIN), ("a member", Reason.NOT_LISTED), ("a guest", Reason.GUEST)):
        permissions = {one: Decision(reason is Reason.ADMIN, reason, one, ADMINS) for one in Permission}
        usages = [listener.subcommand.usages[0] for listener in LISTENERS]
        yield f"Help for {name}", help_screen(usages, permissions, CONTACT)
        yield f"App Home for {name}", home_view(permissions, CONTACT)
    yield from _homes({one: Decision(True, Reason.ADMIN, one, ADMINS) for one in Permission})


def _homes(permissions: Mapping[Permission, Decision]) -> Iterator[Section]:
    listed = _lists()["Connected accounts"].accounts
    refused = Listing(refusal="not_allowed_token_type")
    states = (AccountState.WORKS, AccountState.EXPIRED, AccountState.REJECTED, AccountState.GONE)
    ids = ("EtGoogle0001", "EtZoom000001", "EtMany000001", "EtMany000002")
    tests = {one: LastTest(one, "google", AT, state) for one, state in zip(ids, states, strict=True)}
    lately = RecentActivity([*_deeds()], [*_entries()])
    overviews = {
        "while it counts": Overview(None, tests, is_asked=True),
        "counted": Overview(Listing(listed), tests),
        "counted, nothing tested": Overview(Listing(listed), {}),
        "no accounts": Overview(Listing(AccountList((), (), True, 0)), {}),
        "refused": Overview(refused, tests),
        "refused, nothing tested": Overview(refused, {}),
        "no answer": Overview(None, tests),
    }
    for number, (name, overview) in enumerate(overviews.items()):
        yield f"App Home, {name}", home_view(permissions, CONTACT, overview, None if number else lately)


def settings() -> Iterator[Section]:
    """Yield the modal with a workspace's settings, and what comes of saving it."""
    chosen = WorkspaceSettings.model_validate(
        {
            "get_allow": AllowList(frozenset(), frozenset({"U0ADMIN"}), frozenset({"S0ADMINS"})),
            "delete_approval": ApprovalPolicy.BULK,
            "contact": "U0OWNER",
            "audit_channel": "C0AUDIT",
        }
    )
    for name, one, has_token in (
        ("before anybody changed them", WorkspaceSettings(), False),
        ("changed", chosen, True),
    ):
        seen = settings_form.ShownSettings(0, settings_form.fingerprints(one))
        yield f"Settings, {name}", settings_form.build(one, seen, has_token=has_token)
    labels = [*settings_form.LABELS.values()]
    problems = [
        *(screens.changed_meanwhile(names) for names in ([], labels[:1], labels[:3])),
        *(screens.token_problem(code) for code in (OTHER_WORKSPACE, UNREACHABLE, "invalid_auth", "odd")),
    ]
    yield "Why nothing is saved yet", problems
    wrong: dict[str, Any] = {
        settings_form.POLICY: {"selected_option": {"value": "all"}},
        settings_form.CONTACT: {"value": "Ada"},
        "get_allow_groups": {"value": "admins"},
    }
    tokens = ("xapp-1-A0123456789", "xoxb", "ghp_0123456789abcdef")
    filled: list[dict[str, Any]] = [wrong, *({settings_form.TOKEN: {"value": token}} for token in tokens)]
    mistakes: list[str] = []
    untouched = settings_form.ShownSettings(0, settings_form.fingerprints(WorkspaceSettings())).write()
    for values in filled:
        result = settings_form.parse(submission({name: {name: value} for name, value in values.items()}, untouched))
        mistakes += result.values() if isinstance(result, dict) else []
    yield "Mistakes beside a field of the settings", [*dict.fromkeys(mistakes)]
    shown = {
        "Settings saved": screens.saved_screen(labels[:2], "C0AUDIT", REFERENCE),
        "Settings saved, longest": screens.saved_screen(labels, None, REFERENCE),
        "Settings not changed": screens.UNCHANGED,
        "Settings may be saved": screens.unsure_screen(REFERENCE, CONTACT),
        "Not installed": notices.not_installed_screen("https://extauth.example.com/slack/install"),
        "Not installed, without an address": notices.not_installed_screen(None),
        "Workspace unknown": notices.no_database_screen(REFERENCE, None),
    }
    yield from shown.items()
    nobody = AllowList(frozenset(), frozenset())
    decision = Decision(False, Reason.NOT_LISTED, Permission.GET, nobody)
    yield "Denied, where nobody can", denied_screen(Denied(ONE, decision, REFERENCE), CONTACT)
    decision = Decision(False, Reason.NOT_LISTED, Permission.SETTINGS, ADMINS)
    request = OpenForm(Operation.SETTINGS)
    yield "Denied settings", denied_screen(Denied(request, decision, REFERENCE), CONTACT)


def surveys() -> Iterator[Section]:
    """Yield what the audit channel is told of tests that run by themselves."""
    changes = [
        *(
            ChangedAccount(Change.BROKE, Item(f"EtMany{number:06}", "google"), AccountState.EXPIRED, "no_refresh_token")
            for number in range(12)
        ),
        ChangedAccount(Change.NEW, Item("EtZoom000001", "zoom"), AccountState.REJECTED, "access_token_exchange_failed"),
        ChangedAccount(Change.MENDED, Item("EtGoogle0001", "google"), AccountState.WORKS),
    ]
    made = Batch.of(ADA, Operation.TEST, [one.item for one in changes], AT)
    tested = BatchOutcome(replace(made, results=(ItemResult("works"),) * len(changes)), BatchEnding.DONE, REFERENCE)
    refused = Survey(REFERENCE, refusal="not_allowed_token_type")
    told = {
        "What changed": Survey(REFERENCE, tested, changes),
        "Slack refuses to list": refused,
        "Slack lists again": Survey(REFERENCE, tested, was_refused="not_allowed_token_type"),
    }
    yield from ((f"Audit channel: {name}", [survey_text(survey, CONTACT)]) for name, survey in told.items())


CHAPTERS = {
    "Explanations": failures,
    "Answers": answers,
    "Several tokens": batches,
    "Approval": approvals,
    "Notices": short_answers,
    "Forms and help": forms,
    "Settings of a workspace": settings,
    "Tests that run by themselves": surveys,
}
