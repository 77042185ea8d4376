"""Who is let in, and who never is."""

from collections.abc import Collection
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import AllowList, Decision, Reason, decide, decide_settings, decide_unattended
from bot.actor import UserInfo, Workspace
from bot.operation import Operation, Permission
from bot.sandbox.slack.state import TEAM_ID, Person
from bot.slack.users import user_info

STANDINGS = st.builds(
    UserInfo,
    user_id=st.sampled_from(["U1AA", "U2BB"]),
    is_admin=st.booleans(),
    is_owner=st.booleans(),
    is_guest=st.booleans(),
    is_bot=st.booleans(),
    is_deactivated=st.booleans(),
    is_external=st.booleans(),
    groups=st.sampled_from([frozenset[str](), frozenset({"S1AA"}), frozenset({"S2BB"})]),
)
LISTS = st.lists(st.sampled_from(["admins", "owners", "members", "U1AA", "S1AA"]), min_size=1).map(AllowList.parse)


@given(STANDINGS, LISTS)
def test_the_excluded_are_refused_whatever_the_list_says(standing: UserInfo, allow: AllowList) -> None:
    if standing.is_guest or standing.is_bot or standing.is_deactivated or standing.is_external:
        decision = decide(standing, Permission.GET, allow)
        assert not decision.allowed
        assert decision.reason in {Reason.GUEST, Reason.BOT, Reason.DEACTIVATED, Reason.EXTERNAL}


@given(STANDINGS, LISTS)
def test_a_full_member_is_let_in_exactly_when_the_list_says_so(standing: UserInfo, allow: AllowList) -> None:
    if standing.is_guest or standing.is_bot or standing.is_deactivated or standing.is_external:
        return
    expected = (
        "members" in allow.roles
        or ("admins" in allow.roles and (standing.is_admin or standing.is_owner))
        or ("owners" in allow.roles and standing.is_owner)
        or standing.user_id in allow.users
        or bool(standing.groups & allow.groups)
    )
    assert decide(standing, Permission.DELETE, allow).allowed == expected


@given(LISTS)
def test_an_unknown_standing_is_refused(allow: AllowList) -> None:
    assert decide(None, Permission.GET, allow).reason is Reason.UNKNOWN
    assert not decide(None, Permission.GET, allow).allowed


PEOPLE = {
    "owner": UserInfo("U9", is_admin=True, is_owner=True),
    "admin": UserInfo("U9", is_admin=True),
    "member": UserInfo("U9"),
    "named": UserInfo("U1AA"),
    "in the group": UserInfo("U9", groups=frozenset({"S1AA"})),
    "guest": UserInfo("U1AA", is_guest=True),
    "bot": UserInfo("U1AA", is_bot=True, is_guest=True),
    "external": UserInfo("U1AA", is_external=True, is_guest=True),
    "deactivated": UserInfo("U1AA", is_deactivated=True, is_bot=True),
}


@pytest.mark.parametrize(
    ("person", "entries", "allowed", "reason"),
    [
        ("owner", "admins", True, Reason.ADMIN),
        ("owner", "owners admins", True, Reason.OWNER),
        ("owner", "U1AA", False, Reason.NOT_LISTED),
        ("admin", "admins", True, Reason.ADMIN),
        ("admin", "owners", False, Reason.NOT_LISTED),
        ("admin", "members", True, Reason.MEMBER),
        ("member", "members", True, Reason.MEMBER),
        ("member", "admins", False, Reason.NOT_LISTED),
        ("named", "owners U1AA", True, Reason.NAMED),
        ("in the group", "owners S1AA", True, Reason.GROUP),
        ("in the group", "owners", False, Reason.NOT_LISTED),
        ("guest", "members U1AA", False, Reason.GUEST),
        ("bot", "members U1AA", False, Reason.BOT),
        ("external", "members U1AA", False, Reason.EXTERNAL),
        ("deactivated", "members U1AA", False, Reason.DEACTIVATED),
    ],
)
def test_a_decision_names_its_reason_permission_and_list(
    person: str, entries: str, allowed: bool, reason: Reason
) -> None:
    allow = AllowList.parse(entries.split())
    for permission in Permission:
        assert decide(PEOPLE[person], permission, allow) == Decision(allowed, reason, permission, allow)


def test_a_person_slack_does_not_tell_of_is_denied() -> None:
    allow = AllowList.parse(["members"])
    assert decide(None, Permission.GET, allow) == Decision(False, Reason.UNKNOWN, Permission.GET, allow)


def test_a_list_is_read_by_kind() -> None:
    allow = AllowList.parse(["Admins", "MEMBERS", "U012ABCDEF", "W012ABCDEF", "S012ABCDEF"])
    assert allow.roles == {"admins", "members"}
    assert allow.users == {"U012ABCDEF", "W012ABCDEF"}
    assert allow.groups == {"S012ABCDEF"}


def test_a_mistake_in_a_list_says_what_is_possible() -> None:
    with pytest.raises(ValueError, match="isn't one of") as caught:
        AllowList.parse(["everyone"])
    assert str(caught.value) == (
        "“everyone” isn't one of admins, owners, members, a user ID such as U012ABCDEF, or a user group ID "
        "such as S012ABCDEF. For an empty list, write only `nobody`."
    )
    with pytest.raises(ValueError, match="empty") as caught:
        AllowList.parse([])
    assert str(caught.value) == "the list is empty. If nobody is to have permission, write `nobody`."


@pytest.mark.parametrize("entry", ["admin", "u012abc", "everyone", "*", "s012ABC", ""])
def test_a_list_with_a_mistake_is_refused_with_the_entry_named(entry: str) -> None:
    with pytest.raises(ValueError, match="isn't one of"):
        AllowList.parse(["admins", entry])


def test_an_empty_list_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="the list is empty"):
        AllowList.parse([])


def test_nobody_is_a_list_of_its_own() -> None:
    for written in ("nobody", "Nobody"):
        allow = AllowList.parse([written])
        assert not decide(UserInfo("U1", is_admin=True, is_owner=True), Permission.SHOW, allow).allowed
    with pytest.raises(ValueError, match="isn't one of"):
        AllowList.parse(["nobody", "admins"])


def test_an_unknown_group_denies_only_whom_nothing_else_lets_in() -> None:
    allow = AllowList.parse(["admins", "S1AA"])
    assert decide(UserInfo("U1", is_admin=True, groups_unknown=True), Permission.GET, allow).allowed
    assert decide(UserInfo("U1", groups_unknown=True), Permission.GET, allow).reason is Reason.UNKNOWN
    assert (
        decide(UserInfo("U1", groups_unknown=True), Permission.GET, AllowList.parse(["owners"])).reason
        is Reason.NOT_LISTED
    )


@given(st.sampled_from(Operation))
def test_without_a_person_only_listing_and_testing_are_done(operation: Operation) -> None:
    decision = decide_unattended(operation)
    assert decision.allowed == (operation in {Operation.LIST, Operation.TEST})
    assert (decision.reason, decision.permission) == (Reason.UNATTENDED, operation.permission)


KINDS: dict[str, dict[str, Any]] = {
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
    "of another organization": {"team_id": "T0ELSEWHERE"},
    "owner of another organization": {"team_id": "T0ELSEWHERE", "is_owner": True, "is_admin": True},
    "of no known workspace": {"team_id": None, "is_admin": True},
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
        name: Person(IDS.get(name, f"U0KIND{number:02d}"), name, **flags)
        for number, (name, flags) in enumerate(KINDS.items())
    }


GROUP = [person.user_id for kind, person in people().items() if kind.startswith("group")]
"""The members of the user group S0GROUP."""


def standing(person: Person, enterprise_id: str | None = None, group: Collection[str] = GROUP) -> UserInfo:
    """Return the bot's reading of Slack's answer about somebody."""
    groups = frozenset({"S0GROUP"} if person.user_id in group else ())
    return replace(user_info(person.user_object(), Workspace(TEAM_ID, enterprise_id)), groups=groups)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("entries", ALLOWED)
def test_each_kind_of_person_is_let_in_by_the_lists_that_mean_them(entries: str, permission: Permission) -> None:
    allow = AllowList.parse(entries.split(","))
    for kind, person in people().items():
        assert decide(standing(person), permission, allow).allowed == (kind in ALLOWED[entries]), kind


ORGANIZATIONS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "another, as its admin": {"enterprise_id": "E0OTHER", "is_admin": True, "is_owner": True, "teams": ["T0SANDBOX"]},
    "empty": {"enterprise_id": "", "is_admin": True, "teams": ["T0SANDBOX"]},
}


@pytest.mark.parametrize("organization", ORGANIZATIONS)
@pytest.mark.parametrize("home", ["T0ELSEWHERE", None])
@pytest.mark.parametrize("enterprise", [None, "E0OWN"])
def test_nobody_of_another_organization_gets_in_by_any_flag_or_list(
    enterprise: str | None, home: str | None, organization: str
) -> None:
    allow = AllowList.parse(["admins", "owners", "members", "S0GROUP", "U0OUT"])
    for admin, owner, permission in product((False, True), (False, True), Permission):
        person = Person(
            "U0OUT",
            "Otto",
            is_admin=admin,
            is_owner=owner,
            is_primary_owner=owner,
            team_id=home,
            enterprise_user=ORGANIZATIONS[organization],
        )
        assert decide(standing(person, enterprise, ["U0OUT"]), permission, allow).reason is Reason.EXTERNAL


@pytest.mark.parametrize(
    ("user", "allowed", "reason"),
    [
        (None, False, Reason.UNKNOWN),
        (UserInfo("U1"), False, Reason.NOT_LISTED),
        (UserInfo("U1", is_admin=True), False, Reason.NOT_LISTED),
        (UserInfo("U1", is_admin=True, is_in_charge=True), True, Reason.ADMIN),
        (UserInfo("U1", is_admin=True, is_owner=True, is_in_charge=True), True, Reason.OWNER),
        (UserInfo("U1", is_owner=True, is_in_charge=True, is_guest=True), False, Reason.GUEST),
        (UserInfo("U1", is_owner=True, is_in_charge=True, is_bot=True), False, Reason.BOT),
        (UserInfo("U1", is_owner=True, is_in_charge=True, is_external=True), False, Reason.EXTERNAL),
        (UserInfo("U1", is_owner=True, is_in_charge=True, is_elsewhere=True), False, Reason.NOT_INSTALLED),
        (UserInfo("U1", is_owner=True, is_in_charge=True, is_deactivated=True), False, Reason.DEACTIVATED),
    ],
)
def test_settings_are_changed_by_slacks_standing_alone(user: UserInfo | None, allowed: bool, reason: Reason) -> None:
    assert decide_settings(user) == Decision(allowed, reason, Permission.SETTINGS, AllowList.parse(["admins"]))


@pytest.mark.parametrize("operation", Operation)
def test_without_a_person_only_reading_is_allowed(operation: Operation) -> None:
    decision = decide_unattended(operation)
    assert decision.allowed is (operation in {Operation.LIST, Operation.TEST})
    assert decision == Decision(
        decision.allowed, Reason.UNATTENDED, operation.permission, AllowList(frozenset(), frozenset())
    )
