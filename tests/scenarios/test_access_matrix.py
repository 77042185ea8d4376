"""Every way in, with a person whom it lets in and one whom it refuses.

Every kind of person with every list and permission is in `tests/test_access.py`.
"""

from collections.abc import Awaitable, Callable

import pytest

from bot.sandbox.slack.seed import plant_accounts
from bot.sandbox.slack.state import Person, StoredToken
from bot.settings import Transport
from tests.harness import ADMIN, MEMBER, OWNER, Harness, open_harness, over_both_transports
from tests.test_access import ALLOWED, GROUP, ORGANIZATIONS, people


def calls(harness: Harness) -> int:
    return sum(len(harness.calls(f"apps.auth.external.{method}")) for method in ("get", "delete", "list"))


async def _settled_text(harness: Harness, user: str, seen: set[str]) -> str:
    """All that the person now reads that is new, once it is more than a word that work goes on."""

    def read() -> str:
        new = [harness.read(message) for message in harness.workspace.messages(user) if message.ts not in seen]
        view = harness.workspace.dialog(user)
        return "\n".join([*new, *([harness.read(view)] if view else [])])

    await harness.state.until(lambda: bool(read()) and "== One moment ==" not in read())
    return read()


async def _typed(harness: Harness, user: str, line: str) -> str:
    seen = {message.ts for message in harness.workspace.messages(user)}
    await harness.workspace.command(user, line)
    text = await _settled_text(harness, user, seen)
    view = harness.workspace.dialog(user)
    if view is not None:
        harness.workspace.close(view)
    return text


async def _shortcut(harness: Harness, user: str) -> str:
    await harness.workspace.shortcut(user, "external_tokens")
    text = await _settled_text(harness, user, {message.ts for message in harness.workspace.messages(user)})
    view = harness.workspace.dialog(user)
    assert view is not None
    harness.workspace.close(view)
    return text


async def _home(harness: Harness, user: str) -> str:
    before = harness.state.homes.get(user)
    await harness.workspace.open_home(user)
    await harness.state.until(lambda: harness.state.homes.get(user) is not before)
    return str(harness.state.homes[user].content)


LINES = (
    "/extauth get EtOne",
    "/extauth get EtOne --show",
    "/extauth get EtOne --force-refresh",
    "/extauth get",
    "/extauth delete",
    "/extauth delete EtOne",
    "/extauth delete --provider-key one",
    "/extauth list",
    "/extauth list --app-id A0SANDBOX",
    "/extauth test EtOne",
    "/extauth test",
    "/extauth delete EtOne EtTwo",
    "/extauth delete --account ada@example.com",
    "/extauth history",
    "/extauth history EtOne @ada",
    "/extauth delete EtOne --yes",
)


DENIED = "✕"
"""The mark of a denial. Nothing else fails here."""


async def _assert_ways_in(harness: Harness, user: str, *, allowed: bool) -> None:
    """Try every way in, and see whether it is open."""
    harness.state.tokens["EtOne"] = StoredToken("EtOne", "one", "a-token")
    for line in LINES:
        before = calls(harness)
        assert (DENIED in await _typed(harness, user, line)) != allowed, line
        assert allowed or calls(harness) == before, line
    assert (DENIED in await _shortcut(harness, user)) != allowed
    assert (DENIED in await _home(harness, user)) != allowed


async def test_each_way_in_is_open_for_who_is_allowed(harness: Harness) -> None:
    harness.slack.web_api.rate_limits.is_on = False
    await _assert_ways_in(harness, ADMIN, allowed=True)


async def test_each_way_in_is_closed_for_others(harness: Harness) -> None:
    await _assert_ways_in(harness, MEMBER, allowed=False)


async def test_no_way_in_is_open_for_another_organizations_owner_whom_the_lists_name() -> None:
    lists = {
        f"EXTAUTH_{action}_ALLOW": "admins,members,S0GROUP,U0OUT" for action in ("GET", "DELETE", "LIST", "HISTORY")
    }
    async with open_harness("socket", **lists) as harness:
        harness.state.enterprise_id = "E0OWN"
        harness.state.groups["S0GROUP"] = ["U0OUT"]
        elsewhere = ORGANIZATIONS["another, as its admin"]
        harness.state.people["U0OUT"] = Person(
            "U0OUT", "Otto", is_admin=True, is_owner=True, team_id="T0ELSEWHERE", enterprise_user=elsewhere
        )
        await _assert_ways_in(harness, "U0OUT", allowed=False)


@pytest.mark.parametrize("allow", ALLOWED)
async def test_each_kind_of_person_is_decided_on_by_what_slack_says(allow: str) -> None:
    async with open_harness("socket", EXTAUTH_GET_ALLOW=allow) as harness:
        harness.slack.web_api.rate_limits.is_on = False
        harness.state.groups["S0GROUP"] = GROUP
        for name, person in people().items():
            harness.state.people[person.user_id] = person
            read = harness.read(await harness.types("/extauth get EtGoogle0001", person.user_id))
            assert (DENIED in read) == (name not in ALLOWED[allow]), name


@pytest.mark.parametrize("missing", ["id", "team_id", "is_restricted"])
async def test_a_person_of_whom_slack_does_not_say_enough_is_denied(harness: Harness, missing: str) -> None:
    person = harness.state.people[ADMIN]
    whole = person.user_object
    person.user_object = lambda: {k: v for k, v in whole().items() if k != missing}  # type: ignore[method-assign]
    assert DENIED in harness.read(await harness.types("/extauth get EtGoogle0001"))
    assert calls(harness) == 0


@pytest.mark.parametrize("missing", ["is_admin", "is_owner", "is_primary_owner"])
async def test_a_flag_that_is_missing_gives_nothing(harness: Harness, missing: str) -> None:
    person = harness.state.people[OWNER]
    person.is_admin = person.is_owner = person.is_primary_owner = False
    setattr(person, missing, True)
    whole = person.user_object
    person.user_object = lambda: {k: v for k, v in whole().items() if k != missing}  # type: ignore[method-assign]
    assert DENIED in harness.read(await harness.types("/extauth get EtGoogle0001", OWNER))


@over_both_transports
async def test_a_request_from_a_workspace_without_the_bot_is_denied_unasked(harness: Harness) -> None:
    harness.workspace.team_id = "T0ELSEWHERE"
    before = len(harness.calls("users.info"))
    read = harness.read(await harness.types("/extauth get EtGoogle0001"))
    assert DENIED in read
    assert "isn't installed in your workspace" in read
    assert len(harness.calls("users.info")) == before
    assert calls(harness) == 0


async def test_a_clock_set_back_does_not_prolong_what_slack_said(harness: Harness) -> None:
    assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))
    harness.clock.set_back(3600)
    harness.demote(ADMIN)
    assert DENIED in harness.read(await harness.types("/extauth get EtGoogle0001"))


Step = Callable[[Harness], Awaitable[str]]


async def _submit_get(harness: Harness) -> str:
    view = await harness.opens("/extauth get")
    harness.demote(ADMIN)
    return harness.read(await harness.sends(view, external_token_id="EtGoogle0001"))


async def _submit_show(harness: Harness) -> str:
    view = await harness.opens("/extauth get --show")
    harness.demote(ADMIN)
    return harness.read(await harness.submits(view, external_token_id="EtGoogle0001"))


async def _submit_delete(harness: Harness) -> str:
    view = await harness.opens("/extauth delete")
    harness.demote(ADMIN)
    return harness.read(await harness.submits(view, external_token_id="EtGoogle0001"))


async def _confirm_one(harness: Harness) -> str:
    view = await harness.opens("/extauth delete EtGoogle0001")
    harness.demote(ADMIN)
    return harness.read(await harness.sends(view))


async def _confirm_many(harness: Harness) -> str:
    view = await harness.opens("/extauth delete --provider-key google")
    harness.demote(ADMIN)
    return harness.read(await harness.sends(view, typed_name="google"))


def _button(label: str) -> Step:
    async def press(harness: Harness) -> str:
        message = await harness.types("/extauth get EtGoogle0001")
        harness.state.traffic.clear()
        harness.demote(ADMIN)
        return harness.read(await harness.presses(message, label))

    return press


async def _try_again(harness: Harness) -> str:
    message = await harness.types("/extauth get EtErr.internal_error")
    harness.state.traffic.clear()
    harness.demote(ADMIN)
    return harness.read(await harness.presses(message, "Try again"))


async def _more(harness: Harness) -> str:
    for _ in range(2):
        await harness.types("/extauth get EtGoogle0001")
    message = await harness.types("/extauth history 1")
    harness.state.traffic.clear()
    harness.demote(ADMIN)
    return harness.read(await harness.presses(message, "Older"))


async def _older_accounts(harness: Harness) -> str:
    plant_accounts(harness.state, 20)
    message = await harness.types("/extauth list")
    harness.state.traffic.clear()
    harness.demote(ADMIN)
    return harness.read(await harness.presses(message, "Older"))


def _menu(label: str) -> Step:
    async def pick(harness: Harness) -> str:
        message = await harness.types("/extauth list")
        harness.state.traffic.clear()
        harness.demote(ADMIN)
        return harness.read(await harness.picks(message, "EtGoogle0001", label))

    return pick


async def _shortcut_dialog(harness: Harness) -> str:
    view = await harness.opens_by_shortcut()
    harness.demote(ADMIN)
    return harness.read(await harness.submits(view, external_token_id="EtGoogle0001"))


async def _choice(harness: Harness) -> str:
    view = await harness.opens_by_shortcut()
    harness.demote(ADMIN)
    await harness.workspace.choose(view, "choice", "delete")
    await harness.state.until(lambda: DENIED in harness.read(view))
    return harness.read(view)


def _home_button(label: str) -> Step:
    async def act(harness: Harness) -> str:
        await harness.workspace.open_home(ADMIN)
        await harness.state.until(lambda: ADMIN in harness.state.homes)
        harness.demote(ADMIN)
        harness.state.traffic.clear()
        await harness.workspace.press_in_dialog(harness.state.homes[ADMIN], label)
        await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
        return harness.read(await harness.dialog())

    return act


HOME_BUTTONS = ("Get a token…", "Delete tokens…", "Test…", "Delete several…", "List accounts", "Audit log")
STEPS: dict[str, Step] = {
    "get dialog": _submit_get,
    "show dialog": _submit_show,
    "delete dialog": _submit_delete,
    "confirmation of one": _confirm_one,
    "confirmation of many": _confirm_many,
    "show button": _button("Show token"),
    "refresh button": _button("Force refresh"),
    "delete button": _button("Delete…"),
    "try again": _try_again,
    "more": _more,
    "older accounts": _older_accounts,
    "menu, get": _menu("Get"),
    "menu, refresh": _menu("Force refresh"),
    "menu, delete": _menu("Delete…"),
    "shortcut's dialog": _shortcut_dialog,
    "choice": _choice,
    **{f"home button, {label}": _home_button(label) for label in HOME_BUTTONS},
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("cause", ["demoted", "users.info fails"])
async def test_standing_that_goes_away_between_two_steps_counts(transport: Transport, step: str, cause: str) -> None:
    async with open_harness(transport) as harness:
        if cause == "users.info fails":
            demote = harness.demote

            def fail(user: str) -> None:
                demote(user)
                harness.state.people[user].is_admin = True
                harness.slack.web_api.failures["users.info"] = "internal_error"

            harness.demote = fail  # type: ignore[method-assign]
        read = await STEPS[step](harness)
        assert DENIED in read
        assert ("Slack couldn't say who you are" in read) == (cause == "users.info fails")
        assert calls(harness) == 0
