"""What can be shown passes Block Kit's limits, and tells no secret."""

import inspect
import json
import pkgutil
import re
import sys
from importlib import import_module
from types import CodeType
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

import bot.views
from bot.access import AllowList, Decision, Reason
from bot.audit.entries import Entry, ReadHistory, deed
from bot.audit.reader import MOST_IDS
from bot.explanations import KNOWN_CODES
from bot.ids import TypedText
from bot.listeners import LISTENERS
from bot.operation import Operation, Permission
from bot.outcomes import (
    Deleted,
    Denied,
    Done,
    Failed,
    Fetched,
    HistoryPage,
    Listed,
    NotRecorded,
    NotSent,
)
from bot.sandbox.slack.block_kit import view_complaints
from bot.slack.external_auth.accounts import Account, AccountList, Provider
from bot.slack.external_auth.errors import RateLimitedError, RefusedError, UnconfirmedError
from bot.slack.external_auth.models import DeleteTokens, ExternalToken, GetToken, ListAccounts, ListPosition
from bot.views import buttons, get_form, menu, metadata, notices, outcomes, tokens
from bot.views import delete_form as delete
from bot.views.buttons import UnreadableValue
from bot.views.fields import Offer
from bot.views.help import help_screen
from bot.views.history import history_screen, read_page, write_page
from bot.views.home import home_view
from bot.views.metadata import ModalState, Origin, PendingDelete
from bot.views.outcomes import outcome_screen
from bot.views.parts import Screen, as_message, as_view
from tests.screens import CHAPTERS, LONGEST
from tests.views.limits import assert_passes

TOKEN_IDS = st.from_regex(r"Et[A-Za-z0-9_.-]{1,38}", fullmatch=True)
IDS = st.text(alphabet="ABCxyz019_-.", min_size=1, max_size=255)
TEXTS = st.one_of(st.text(max_size=40), st.text(min_size=1, max_size=3).map(lambda text: text * 2000))
GETS = st.builds(GetToken, IDS, st.sampled_from([None, True, False]))
SHOWS = st.builds(GetToken, IDS, st.sampled_from([None, True, False]), st.just(True))
DELETES = st.one_of(
    st.builds(DeleteTokens, IDS),
    st.builds(lambda key, app: DeleteTokens(provider_key=key, app_id=app), IDS, st.one_of(st.none(), IDS)),
    st.builds(lambda app: DeleteTokens(app_id=app), IDS),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS), lambda inner: st.lists(inner, max_size=4), max_leaves=8
)
EXTRAS = st.dictionaries(TEXTS, st.one_of(VALUES, st.dictionaries(TEXTS, VALUES, max_size=3)), max_size=30)
SECRETS = st.one_of(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=4).map(lambda text: text * 1500))


def fetched(requests: st.SearchStrategy[GetToken]) -> st.SearchStrategy[Fetched]:
    return st.builds(
        lambda request, token, extras: Fetched(request, ExternalToken(SecretStr(token), extras), 1e9, "ABCD2345"),
        requests,
        SECRETS,
        EXTRAS,
    )


FETCHES = fetched(GETS)
PLACES = st.builds(ListPosition, st.integers(0, 10**12 - 1), IDS)
LISTS = st.one_of(
    st.builds(ListAccounts, st.one_of(st.none(), IDS), st.one_of(st.none(), IDS), older_than=PLACES),
    st.builds(ListAccounts, st.one_of(st.none(), IDS), st.one_of(st.none(), IDS), newer_than=PLACES),
    st.builds(ListAccounts, st.one_of(st.none(), IDS), st.one_of(st.none(), IDS)),
)
TOKEN_IDS = st.from_regex(r"Et[A-Za-z0-9_.-]{1,38}", fullmatch=True)
KEYS = st.one_of(st.sampled_from(["google", "k" * 255]), TEXTS.filter(str.strip))
FACTS = st.one_of(st.none(), st.booleans())
PROVIDERS = st.builds(Provider, KEYS, st.one_of(st.none(), TEXTS.filter(str.strip)), FACTS, FACTS)
ACCOUNTS = st.builds(
    Account,
    TOKEN_IDS,
    KEYS,
    st.one_of(st.none(), TEXTS.filter(str.strip)),
    st.one_of(st.none(), st.integers(1, 253402300799)),
    st.lists(TEXTS.filter(str.strip), max_size=5).map(tuple),
)
ALLOWED = st.frozensets(st.sampled_from(Permission))
METHODS = st.sampled_from(["apps.auth.external.get", "apps.auth.external.delete", "apps.auth.external.list"])
ERRORS = st.one_of(
    st.builds(RateLimitedError, METHODS, st.one_of(st.none(), st.integers(0, 99999))),
    st.builds(
        lambda family, code, method, status, detail, needed: family(
            code, method, status=status, detail=tuple(detail), needed=needed, provided=needed
        ),
        st.sampled_from([RefusedError, UnconfirmedError]),
        st.one_of(st.sampled_from(sorted(KNOWN_CODES)), TEXTS.filter(bool)),
        METHODS,
        st.sampled_from([None, 200, 503]),
        st.lists(TEXTS, max_size=30),
        st.one_of(st.none(), TEXTS),
    ),
)
FAILURES = st.builds(
    Failed,
    st.one_of(GETS, DELETES, LISTS),
    ERRORS,
    st.just(1e9),
    st.just("ABCD2345"),
    st.lists(TOKEN_IDS, max_size=5).map(tuple),
)
CONTACT = "<@U0123456789>"
DRAWS = re.compile(r"\w+_screen|build\w*|home_view|survey_text")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_screen_and_form_passes_the_limits(chapter: str) -> None:
    for heading, shown in CHAPTERS[chapter]():
        if isinstance(shown, Screen):
            assert_passes(shown)
        elif isinstance(shown, dict):
            assert view_complaints(shown) == [], heading


def test_every_function_that_draws_a_screen_or_a_form_is_tried() -> None:
    modules = [import_module(f"bot.views.{found.name}") for found in pkgutil.iter_modules(bot.views.__path__)]
    functions = [function for module in modules for _, function in inspect.getmembers(module, inspect.isfunction)]
    draws = {function.__code__: function.__qualname__ for function in functions if DRAWS.fullmatch(function.__name__)}
    called: set[CodeType] = set()
    sys.setprofile(lambda frame, *_: called.add(frame.f_code))
    try:
        for chapter in CHAPTERS.values():
            list(chapter())
    finally:
        sys.setprofile(None)
    assert [name for code, name in draws.items() if code not in called] == []
    assert len(draws) >= 50


@given(FETCHES)
def test_a_masked_token_passes_the_limits(fetched: Fetched) -> None:
    assert_passes(outcome_screen(fetched, CONTACT))


@given(fetched(SHOWS))
def test_a_shown_token_passes_the_limits_is_whole_and_never_a_message(fetched: Fetched) -> None:
    screen = outcome_screen(fetched, CONTACT)
    with pytest.raises(ValueError, match="can't be a message"):
        as_message(screen)
    assert_passes(screen)
    view = as_view(screen)
    shown = [block for block in view["blocks"] if block["type"] == "rich_text"]
    assert shown[0]["elements"][0]["elements"][0]["text"] == fetched.token.token.get_secret_value()


@given(FETCHES)
def test_a_masked_token_tells_at_most_eight_characters(fetched: Fetched) -> None:
    token = fetched.token.token.get_secret_value()
    masked = tokens.mask(token)
    assert masked == "••••••••" or (len(token) >= 24 and masked == f"{token[:4]}••••••••{token[-4:]}")


SECRET = "ya29.A0ARrdaM-keep-this-to-yourself-k3J9xQ"
HIDING = st.recursive(
    st.sampled_from([SECRET, f"Bearer {SECRET}", f"https://x/?a={SECRET}", SECRET[3:30], "harmless", 7]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["note", "token", SECRET]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["note", "url", "id_token", "client_secret", SECRET]), HIDING))
def test_the_token_is_nowhere_in_the_message_however_the_provider_repeats_it(extras: dict[str, object]) -> None:
    fetched = Fetched(GetToken("Et1"), ExternalToken(SecretStr(SECRET), extras), 1e9, "ABCD2345")
    told = json.dumps(as_message(outcome_screen(fetched, CONTACT)), ensure_ascii=False)
    for start in range(len(SECRET) - 15):
        assert SECRET[start : start + 16] not in told


@given(FAILURES)
def test_a_failure_passes_the_limits(failed: Failed) -> None:
    assert_passes(outcome_screen(failed, CONTACT))


@given(DELETES)
def test_a_deletion_passes_the_limits(request: DeleteTokens) -> None:
    assert_passes(outcome_screen(Deleted(request, "ABCD2345", frozenset(Permission)), CONTACT))


@settings(max_examples=50, deadline=None)
@given(
    LISTS,
    st.lists(PROVIDERS, max_size=20).map(tuple),
    st.lists(ACCOUNTS, max_size=25, unique_by=lambda account: account.token_id).map(tuple),
    st.booleans(),
    ALLOWED,
)
def test_a_page_of_accounts_passes_the_limits_and_its_buttons_ask_for_what_they_say(
    request: ListAccounts,
    providers: tuple[Provider, ...],
    accounts: tuple[Account, ...],
    has_workflows: bool,
    allowed: frozenset[Permission],
) -> None:
    found = AccountList(providers, accounts, has_workflows, unreadable=3)
    screen = outcome_screen(Listed(request, found, allowed, "ABCD2345"), CONTACT)
    assert_passes(screen)
    for block in screen.blocks:
        for element in block.get("elements", []) if block["type"] == "actions" else []:
            if element["action_id"] in (buttons.OPEN_TEST, buttons.OPEN_CLEANUP):
                continue
            turned = buttons.read_as(ListAccounts, element["value"])
            assert (turned.provider_key, turned.app_id) == (request.provider_key, request.app_id)
        for option in block.get("accessory", {}).get("options", []):
            chosen = buttons.read_menu(option["value"])
            assert chosen.operation.permission in allowed
            assert str(chosen.arguments()["external_token_id"]) in {account.token_id for account in accounts}


def test_the_longest_page_of_accounts_passes_the_limits() -> None:
    """2,500 accounts with the longest names, keys, IDs and workflows that are read."""
    longest = "&" * 255
    providers = tuple(Provider(f"{longest}{number}", longest, False, False) for number in range(40))
    accounts = tuple(
        Account(f"Et{number:04d}{'x' * 34}", longest, longest, 253402300799, (longest,) * 40) for number in range(2500)
    )
    request = ListAccounts(app_id="A" * 255, older_than=accounts[1200].place)
    screen = outcome_screen(
        Listed(request, AccountList(providers, accounts, True, 10**6), frozenset(Permission), "ABCD2345"), CONTACT
    )
    assert_passes(screen)
    assert len(screen.blocks) < 20
    assert "and 25 more" in str(screen.blocks)


@pytest.mark.parametrize(
    "value",
    [
        *(None, 7, "", "[]", "null", '{"do":"history"}', '{"do":"list","older_than":"x"}'),
        *('{"do":"list","older_than":["1 Et1"]}', '{"do":"list","newer_than":null}', '{"do":"list","page":2}'),
        '{"do":"list","older_than":"1 Et1","newer_than":"1 Et1"}',
        '{"do":"list","provider_key":7}',
        '{"do":"list","provider_key":"a b"}',
        '{"do":"get","external_token_id":"Et1"}',
    ],
)
def test_a_value_that_asks_for_no_page_is_refused(value: object) -> None:
    with pytest.raises(buttons.UnreadableValue):
        buttons.read_as(ListAccounts, value)


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "[]", '{"do":"list"}', '{"do":"get"}', '{"do":"get","external_token_id":7}', '{"do":"history"}'),
        '{"do":"history","external_token_id":"Et1","count":25}',
        '{"do":"history","provider_key":"google"}',
        '{"do":"history","external_token_id":"not an ID"}',
    ],
)
def test_a_value_that_no_menu_has_is_refused(value: object) -> None:
    with pytest.raises(buttons.UnreadableValue):
        buttons.read_menu(value)


@given(st.sampled_from(Permission), st.sampled_from(Reason), st.lists(st.sampled_from(["admins", "owners", "members"])))
def test_a_refusal_and_the_help_pass_the_limits(permission: Permission, reason: Reason, roles: list[str]) -> None:
    allow = AllowList.parse([*roles, *(f"U{number:010d}" for number in range(500))])
    decision = Decision(
        reason in {Reason.NAMED, Reason.GROUP, Reason.OWNER, Reason.ADMIN, Reason.MEMBER}, reason, permission, allow
    )
    usages = [usage for listener in LISTENERS for usage in listener.subcommand.usages]
    assert_passes(help_screen(usages, dict.fromkeys(Permission, decision), CONTACT))
    if not decision.allowed:
        assert_passes(outcome_screen(Denied(GetToken("Et1"), decision, "ABCD2345"), CONTACT))


@given(TEXTS, st.one_of(st.none(), TEXTS))
def test_an_answer_to_any_text_passes_the_limits(problem: str, suggestion: str | None) -> None:
    assume(problem)
    assert_passes(notices.usage_screen(problem, suggestion, "/extauth delete ID"))


ENTRIES = st.builds(
    Entry,
    number=st.integers(1, 10**12),
    at=st.floats(0, 4e9),
    reference=st.just("ABCD2345"),
    team_id=st.just("T1"),
    enterprise_id=st.none(),
    user_id=st.one_of(st.none(), st.just("U0123456789")),
    action=st.sampled_from(["get", "show", "refresh", "delete", "prune"]),
    parameters=st.dictionaries(IDS, st.one_of(IDS, st.booleans()), max_size=3),
    outcome=st.one_of(st.none(), st.sampled_from(["fetched", "deleted", "failed", "denied", "pruned"])),
    code=st.one_of(st.none(), TEXTS),
    milliseconds=st.none(),
    token_hmac=st.none(),
)


NUMBERS = st.integers(1, 2**63 - 1)
NAMED: list[dict[str, Any]] = [{}, {"external_token_id": "Et" + "x" * 38}, {"provider_key": "k" * 40}]


def _page(count: int, user_id: str | None, named: dict[str, Any], place: dict[str, Any]) -> ReadHistory:
    return ReadHistory(count, user_id, **named, **place)


PAGES = st.builds(
    _page,
    st.integers(1, 25),
    st.one_of(st.none(), st.from_regex(r"\A[UW][A-Z0-9]{1,20}\Z")),
    st.sampled_from(NAMED),
    st.one_of(st.just({}), st.dictionaries(st.sampled_from(["before", "after"]), NUMBERS, min_size=1, max_size=1)),
)


@settings(max_examples=25, deadline=None)
@given(PAGES, st.lists(ENTRIES, max_size=25), st.booleans(), st.booleans())
def test_the_history_passes_the_limits(
    request: ReadHistory, entries: list[Entry], has_older: bool, has_newer: bool
) -> None:
    assert_passes(history_screen(HistoryPage(request, entries, has_older and bool(entries), has_newer, "ABCD2345")))


@given(PAGES)
def test_a_page_comes_back_from_its_button_as_it_was(request: ReadHistory) -> None:
    assert read_page(write_page(request)) == request
    assert len(write_page(request)) <= 2000


@pytest.mark.parametrize(
    "value",
    [
        *(None, 7, "", "null", "[]", '"x"', "{}", "12 10", "[" * 9999),
        *('{"count":0}', '{"count":26}', '{"count":"5"}', '{"count":true}', '{"count":5,"more":1}', '{"count":5.0}'),
        *('{"count":5,"before":0}', '{"count":5,"after":"7"}', '{"count":5,"before":7,"after":7}'),
        *('{"count":5,"before":9223372036854775808}', '{"count":5,"before":true}'),
        *('{"count":5,"user_id":"ada"}', '{"count":5,"user_id":7}', '{"count":5,"external_token_id":""}'),
        *('{"count":5,"external_token_id":"a b"}', '{"count":5,"provider_key":"' + "aB3" * 20 + '"}'),
        *('{"count":5,"external_token_id":"ghp_' + "a1B2" * 9 + '"}', '{"count":5,"provider_key":["google"]}'),
        '{"count":5,"external_token_id":"Et1","provider_key":"google"}',
    ],
)
def test_a_page_that_no_button_of_ours_leads_to_is_not_read(value: object) -> None:
    with pytest.raises(UnreadableValue):
        read_page(value)


def test_an_entry_says_in_words_what_was_done_to_what() -> None:
    for action, parameters, outcome, said in (
        ("get", {"external_token_id": "Et1"}, "fetched", "get `Et1`"),
        ("get", {"external_token_id": "Et1", "force_refresh": False}, "fetched", "get `Et1`"),
        ("refresh", {"external_token_id": "Et1", "force_refresh": True}, "fetched", "get `Et1`, refreshed"),
        ("refresh", {"external_token_id": "Et1", "force_refresh": True}, "failed", "get `Et1` with a refresh"),
        ("show", {"external_token_id": "Et1", "force_refresh": True}, "withheld", "show `Et1`, refreshed"),
        ("delete", {"provider_key": "google"}, "deleted", "delete provider `google`"),
        ("delete", {"app_id": "A1", "provider_key": "google"}, None, "delete provider `google` of app `A1`"),
        ("history", {}, "denied", "history"),
        ("history", {"user_id": "U1", "external_token_id": "Et1"}, "denied", "history `Et1` by <@U1>"),
        ("prune", {"entries": "3"}, "pruned", "prune entries `3`"),
    ):
        assert deed(action, parameters, outcome) == said  # type: ignore[arg-type]


@given(st.one_of(st.none(), FETCHES, FAILURES, DELETES.map(lambda request: Deleted(request, "ABCD2345"))))
def test_what_could_not_be_recorded_passes_the_limits_and_tells_no_token(done: Done | None) -> None:
    screen = outcome_screen(
        NotRecorded(done.request if done is not None else GetToken("Et1"), done, "ABCD2345"), CONTACT
    )
    assert_passes(screen)
    if isinstance(done, Fetched) and len(done.token.token.get_secret_value()) > 16:
        assert done.token.token.get_secret_value() not in json.dumps(as_message(screen), ensure_ascii=False)


@given(st.sampled_from(Reason))
def test_the_home_passes_the_limits(reason: Reason) -> None:
    allow = AllowList.parse(["admins", *(f"S{number:010d}" for number in range(50))])
    may = reason in {Reason.NAMED, Reason.GROUP, Reason.OWNER, Reason.ADMIN, Reason.MEMBER}
    view = home_view({permission: Decision(may, reason, permission, allow) for permission in Permission}, CONTACT)
    assert view_complaints(view) == []


def test_the_longest_notices_pass_the_limits() -> None:
    for screen in (
        outcomes.working_screen(LONGEST),
        outcomes.waiting_screen(LONGEST, 60),
        outcomes.waiting_screen(LONGEST, None),
        outcomes.waiting_screen(ListAccounts("k" * 255, "A" * 255), None),
        notices.not_sent_screen(NotSent(LONGEST, "ABCD2345")),
        notices.unexpected_screen(None, "ABCD2345", CONTACT),
        notices.unexpected_screen(LONGEST, "ABCD2345", CONTACT),
        notices.interrupted_screen(None, "ABCD2345"),
        notices.interrupted_screen(LONGEST, "ABCD2345"),
    ):
        assert_passes(screen)


@settings(max_examples=50, deadline=None)
@given(DELETES, IDS, st.builds(Offer, st.booleans(), st.lists(TOKEN_IDS, max_size=MOST_IDS, unique=True).map(tuple)))
def test_the_dialogs_pass_the_limits(request: DeleteTokens, token_id: str, offer: Offer) -> None:
    origin = Origin("https://hooks.slack.com/commands/T0123456789/1234567890123/" + "x" * 60, 1e9, True)
    pending = PendingDelete.of(request)
    remembered = metadata.write(origin, pending)
    filled = {"external_token_id": {"external_token_id": {"value": token_id}}}
    for view in (
        get_form.build(remembered, offer, token_id, force_refresh=True, show=True),
        delete.build_form(remembered, offer, token_id, token_id, token_id),
        delete.build_confirmation(remembered, pending),
        menu.build(remembered, list(menu.LABELS), Operation.GET, offer, filled),
        menu.build(remembered, [Operation.DELETE], Operation.DELETE, offer, filled),
    ):
        assert view_complaints(view) == []
    assert metadata.read(remembered) == ModalState(origin, pending)


@pytest.mark.parametrize("key", [None, "", "my provider", "ghp_" + "x" * 36, "x" * 300, "`"])
def test_a_provider_that_no_button_can_name_leads_to_the_form(key: str | None) -> None:
    assert buttons.reconnect(key, "EtGoogle0001") == buttons.RECONNECT
    assert buttons.reconnect("google", TypedText("a secret?")) == buttons.RECONNECT
    assert buttons.reconnect("google")["action_id"] == "reconnect" != buttons.RECONNECT["action_id"]
