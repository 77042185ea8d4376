"""Every kind of person, at every way in, for every action: let in or refused, and on record."""

from collections.abc import Awaitable, Callable

import pytest

from bot.sandbox.state import Person, StoredToken
from tests.office import ADMIN, Office, open_office

PEOPLE: dict[str, dict[str, object]] = {
    "primary owner": {"is_admin": True, "is_owner": True, "is_primary_owner": True},
    "owner": {"is_admin": True, "is_owner": True},
    "admin": {"is_admin": True},
    "organisation admin": {"enterprise_user": {"is_admin": True}},
    "organisation owner": {"enterprise_user": {"is_owner": True}},
    "member": {},
    "guest": {"is_restricted": True},
    "single-channel guest": {"is_ultra_restricted": True},
    "guest and admin": {"is_restricted": True, "is_admin": True},
    "external": {"is_stranger": True},
    "external admin": {"is_stranger": True, "is_admin": True},
    "bot": {"is_bot": True, "is_admin": True},
    "deactivated admin": {"deleted": True, "is_admin": True},
    "named member": {},
    "named guest": {"is_restricted": True},
    "group member": {},
    "group guest": {"is_restricted": True},
}
ADMINS = {"primary owner", "owner", "admin", "organisation admin", "organisation owner"}
ALLOWED = {
    "admins": ADMINS,
    "owners": {"primary owner", "owner", "organisation owner"},
    "members": ADMINS | {"member", "named member", "group member"},
    "U0NAMED0,U0NAMED1": {"named member"},
    "owners,S0GROUP": {"primary owner", "owner", "organisation owner", "group member"},
}
IDS = {name: f"U0NAMED{number}" for number, name in enumerate(["named member", "named guest"])}


def people() -> dict[str, Person]:
    return {
        name: Person(IDS.get(name, f"U0KIND{number:02d}"), name, **flags)  # type: ignore[arg-type]
        for number, (name, flags) in enumerate(PEOPLE.items())
    }


def calls(office: Office) -> int:
    return len(office.calls("apps.auth.external.get")) + len(office.calls("apps.auth.external.delete"))


async def _settled_text(office: Office, user: str, seen: set[str]) -> str:
    """All that the person now reads that is new, once it is more than a word that work goes on."""

    def read() -> str:
        new = [office.read(message) for message in office.workspace.messages(user) if message.ts not in seen]
        view = office.workspace.dialog(user)
        return "\n".join([*new, *([office.read(view)] if view else [])])

    await office.state.until(lambda: bool(read()) and "== One moment ==" not in read())
    return read()


async def _typed(office: Office, user: str, line: str) -> str:
    seen = {message.ts for message in office.workspace.messages(user)}
    await office.workspace.command(user, line)
    text = await _settled_text(office, user, seen)
    view = office.workspace.dialog(user)
    if view is not None:
        office.workspace.close(view)
    return text


async def _shortcut(office: Office, user: str) -> str:
    await office.workspace.shortcut(user, "external_tokens")
    text = await _settled_text(office, user, {message.ts for message in office.workspace.messages(user)})
    view = office.workspace.dialog(user)
    assert view is not None
    office.workspace.close(view)
    return text


@pytest.mark.parametrize("allow", ALLOWED)
async def test_each_way_in_for_each_kind_of_person(allow: str) -> None:
    lists = {f"EXTAUTH_{action}_ALLOW": allow for action in ("GET", "DELETE", "HISTORY")}
    async with open_office("socket", **lists) as office:
        office.slack.web_api.rate_limits.is_on = False
        for name, person in people().items():
            user, may = person.user_id, name in ALLOWED[allow]
            office.state.people[user] = person
            group = [other.user_id for kind, other in people().items() if kind.startswith("group")]
            office.state.groups["S0GROUP"] = group
            office.state.tokens["EtOne"] = StoredToken("EtOne", "one", "a-token")
            for line in (
                "/extauth get EtOne",
                "/extauth get EtOne --show",
                "/extauth get EtOne --force-refresh",
                "/extauth get",
                "/extauth delete",
                "/extauth delete EtOne",
                "/extauth delete --provider-key one",
                "/extauth history",
                "/extauth delete EtOne --yes",
            ):
                before = calls(office)
                refused = "You may not" in await _typed(office, user, line)
                assert refused != may, (name, line)
                assert may or calls(office) == before, (name, line)
            assert ("You may not" in await _shortcut(office, user)) != may, name
            before_home = office.state.homes.get(user)
            await office.workspace.open_home(user)
            await office.state.until(lambda user=user, before=before_home: office.state.homes.get(user) is not before)
            assert ("You may not" in str(office.state.homes[user].content)) != may, name


Step = Callable[[Office], Awaitable[str]]


async def _submit_get(office: Office) -> str:
    view = await office.opens("/extauth get")
    office.demote(ADMIN)
    return office.read(await office.sends(view, external_token_id="EtGoogle0001"))


async def _submit_show(office: Office) -> str:
    view = await office.opens("/extauth get --show")
    office.demote(ADMIN)
    return office.read(await office.submits(view, external_token_id="EtGoogle0001"))


async def _submit_delete(office: Office) -> str:
    view = await office.opens("/extauth delete")
    office.demote(ADMIN)
    return office.read(await office.submits(view, external_token_id="EtGoogle0001"))


async def _confirm_one(office: Office) -> str:
    view = await office.opens("/extauth delete EtGoogle0001")
    office.demote(ADMIN)
    return office.read(await office.sends(view))


async def _confirm_many(office: Office) -> str:
    view = await office.opens("/extauth delete --provider-key google")
    office.demote(ADMIN)
    return office.read(await office.sends(view, typed_name="google"))


def _button(label: str) -> Step:
    async def press(office: Office) -> str:
        message = await office.types("/extauth get EtGoogle0001")
        office.state.traffic.clear()
        office.demote(ADMIN)
        return office.read(await office.presses(message, label))

    return press


async def _try_again(office: Office) -> str:
    message = await office.types("/extauth get EtErr.internal_error")
    office.state.traffic.clear()
    office.demote(ADMIN)
    return office.read(await office.presses(message, "Try again"))


async def _more(office: Office) -> str:
    for _ in range(2):
        await office.types("/extauth get EtGoogle0001")
    message = await office.types("/extauth history 1")
    office.state.traffic.clear()
    office.demote(ADMIN)
    return office.read(await office.presses(message, "More"))


async def _shortcut_dialog(office: Office) -> str:
    view = await office.opens_by_shortcut()
    office.demote(ADMIN)
    return office.read(await office.submits(view, external_token_id="EtGoogle0001"))


async def _choice(office: Office) -> str:
    view = await office.opens_by_shortcut()
    office.demote(ADMIN)
    await office.workspace.choose(view, "choice", "delete")
    await office.state.until(lambda: "You may not" in office.read(view))
    return office.read(view)


async def _home_button(office: Office) -> str:
    await office.workspace.open_home(ADMIN)
    await office.state.until(lambda: ADMIN in office.state.homes)
    office.demote(ADMIN)
    await office.workspace.press_in_dialog(office.state.homes[ADMIN], "Get a token")
    await office.state.until(lambda: office.workspace.dialog(ADMIN) is not None)
    return office.read(await office.dialog())


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
    "shortcut's dialog": _shortcut_dialog,
    "choice": _choice,
    "home button": _home_button,
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("cause", ["demoted", "users.info fails"])
async def test_standing_that_goes_away_between_two_steps_counts(transport: str, step: str, cause: str) -> None:
    async with open_office(transport) as office:  # type: ignore[arg-type]
        if cause == "users.info fails":
            demote = office.demote

            def fail(user: str) -> None:
                demote(user)
                office.state.people[user].is_admin = True
                office.slack.web_api.failures["users.info"] = "internal_error"

            office.demote = fail  # type: ignore[method-assign]
        read = await STEPS[step](office)
        assert "You may not" in read
        assert ("Slack did not tell" in read) == (cause == "users.info fails")
        assert calls(office) == 0
