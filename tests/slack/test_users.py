"""Reading a person's standing out of Slack's user object."""

from typing import Any

import pytest

from bot.actor import UserInfo, Workspace
from bot.slack.users import user_info
from tests.harness import ADMIN, GUEST, MEMBER, open_harness


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, {}),
        ({"is_admin": True}, {"is_admin": True}),
        ({"is_owner": True}, {"is_owner": True}),
        ({"is_primary_owner": True}, {"is_owner": True}),
        ({"enterprise_user": {"is_admin": True}}, {"is_admin": True}),
        ({"enterprise_user": {"is_owner": True}}, {"is_owner": True}),
        ({"is_restricted": True}, {"is_guest": True}),
        ({"is_ultra_restricted": True}, {"is_guest": True}),
        ({"is_stranger": True}, {"is_external": True}),
        ({"is_bot": True}, {"is_bot": True}),
        ({"is_workflow_bot": True}, {"is_bot": True}),
        ({"deleted": True}, {"is_deactivated": True}),
        ({"is_admin": "yes", "is_owner": 1}, {}),
    ],
)
def test_each_flag_counts_only_when_it_is_true(flags: dict[str, object], expected: dict[str, Any]) -> None:
    is_in_charge = bool({"is_admin", "is_owner"} & expected.keys())
    found = user_info({"id": "U1", "team_id": "T1", **flags}, Workspace("T1"))
    assert found == UserInfo("U1", **expected, is_in_charge=is_in_charge)


@pytest.mark.parametrize(
    ("user", "is_in_charge"),
    [
        ({"is_admin": True, "is_owner": True, "enterprise_user": {"enterprise_id": "E1", "teams": ["T1"]}}, False),
        ({"enterprise_user": {"enterprise_id": "E1", "is_admin": True}}, True),
        ({"enterprise_user": {"enterprise_id": "E1", "is_owner": True}}, True),
        ({"enterprise_user": {"enterprise_id": "E2", "is_owner": True}}, False),
        ({"is_admin": True}, False),
    ],
)
def test_only_an_organization_s_admins_are_in_charge_of_an_org_wide_installation(
    user: dict[str, object], is_in_charge: bool
) -> None:
    organization = Workspace("E1", "E1", is_org_install=True)
    assert user_info({"id": "U1", "team_id": "T1", **user}, organization).is_in_charge is is_in_charge


OWN = Workspace("T1", "E1")


@pytest.mark.parametrize(
    ("user", "workspace", "is_external", "is_admin"),
    [
        ({"team_id": "T1"}, Workspace("T1"), False, True),
        ({"team_id": "T2"}, Workspace("T1"), True, False),
        ({"team_id": ""}, Workspace("T1"), True, False),
        ({"team_id": None}, Workspace("T1"), True, False),
        ({}, Workspace("T1"), True, False),
        ({"enterprise_user": {"enterprise_id": "E1"}}, OWN, True, False),
        ({"enterprise_user": {"enterprise_id": "E1", "teams": ["T1"]}}, OWN, False, True),
        ({"enterprise_user": {"enterprise_id": "E1", "teams": ["T2"]}}, OWN, True, False),
        ({"enterprise_user": {"enterprise_id": "E2", "teams": ["T1"]}}, OWN, True, False),
        ({"enterprise_user": {"enterprise_id": "E1", "teams": ["T7"]}}, Workspace("E1", "E1", True), False, True),
        ({"enterprise_user": {"enterprise_id": "E1", "teams": []}}, Workspace("E1", "E1", True), True, True),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E2", "teams": ["T1"]}}, OWN, True, False),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": None}}, Workspace("T1"), True, False),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": ""}}, Workspace("T1", None), True, False),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E1"}}, OWN, False, False),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E1", "teams": "T1"}}, OWN, False, False),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E1", "teams": ["T1"]}}, OWN, False, True),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E1", "is_admin": True}}, OWN, False, True),
        ({"team_id": "E1", "enterprise_user": {"enterprise_id": "E1"}}, Workspace("E1", "E1", True), False, True),
        ({"team_id": "T1", "is_stranger": True}, OWN, True, True),
    ],
)
def test_where_somebody_belongs_is_told_by_the_workspace_and_the_organization(
    user: dict[str, object], workspace: Workspace, is_external: bool, is_admin: bool
) -> None:
    info = user_info({"id": "U1", "is_admin": True, **user}, workspace)
    assert (info.is_external, info.is_admin) == (is_external, is_admin)


@pytest.mark.parametrize(
    ("workspace", "team_id", "enterprise_id", "includes"),
    [
        (Workspace("T1"), "T1", None, True),
        (Workspace("T1"), "T2", None, False),
        (Workspace("T1"), None, None, False),
        (Workspace("T1", "E1"), "T2", "E1", False),
        (Workspace("T1", "E1", True), "T2", "E1", True),
        (Workspace("T1", "E1", True), None, "E1", True),
        (Workspace("T1", "E1", True), "T1", "E2", False),
        (Workspace("T1", None, True), "T1", None, False),
    ],
)
def test_a_request_belongs_to_the_workspace_or_organization_of_the_install(
    workspace: Workspace, team_id: str | None, enterprise_id: str | None, includes: bool
) -> None:
    assert workspace.includes(team_id, enterprise_id) is includes


def test_slackbot_is_a_bot() -> None:
    assert user_info({"id": "USLACKBOT", "team_id": "T1"}, Workspace("T1")).is_bot


async def test_a_user_group_lets_its_full_members_in() -> None:
    async with open_harness("socket", EXTAUTH_GET_ALLOW="S0TEAM") as harness:
        harness.state.groups["S0TEAM"] = [MEMBER, GUEST]
        assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001", MEMBER))
        assert "Guests can't use external tokens." in harness.read(
            await harness.types("/extauth get EtGoogle0001", GUEST)
        )
        assert "Only the group" in harness.read(await harness.types("/extauth get EtGoogle0001", ADMIN))
        assert len(harness.calls("usergroups.users.list")) == 1

        harness.state.groups["S0TEAM"] = []
        harness.clock.advance(60)
        assert "Only the group" in harness.read(await harness.types("/extauth get EtGoogle0001", MEMBER))


async def test_a_group_that_slack_does_not_tell_denies() -> None:
    async with open_harness("socket", EXTAUTH_GET_ALLOW="S0TEAM") as harness:
        harness.slack.web_api.failures["usergroups.users.list"] = "missing_scope"
        assert "Slack couldn't say who you are" in harness.read(
            await harness.types("/extauth get EtGoogle0001", MEMBER)
        )


async def test_the_organisations_admins_count() -> None:
    async with open_harness("socket") as harness:
        harness.state.people[MEMBER].enterprise_user = {"is_admin": True, "is_owner": False}
        assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001", MEMBER))
