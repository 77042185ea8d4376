"""Reading a person's standing out of Slack's user object."""

import asyncio

import pytest

from bot.access import Standing
from bot.directory import standing_of
from bot.remembered import Remembered
from tests.manual_clock import ManualClock
from tests.office import ADMIN, GUEST, MEMBER, open_office


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
def test_each_flag_counts_and_only_true_is_true(flags: dict[str, object], expected: dict[str, bool]) -> None:
    assert standing_of({"id": "U1", **flags}) == Standing("U1", **expected)


def test_slackbot_is_a_bot() -> None:
    assert standing_of({"id": "USLACKBOT"}).is_bot


async def test_an_answer_is_asked_for_once_and_kept_for_a_minute() -> None:
    clock, asked = ManualClock(), []
    remembered: Remembered[str] = Remembered(clock, 60)

    async def ask() -> str:
        asked.append(clock.now())
        await asyncio.sleep(0)
        return f"answer {len(asked)}"

    assert await asyncio.gather(*(remembered.get("k", ask) for _ in range(20))) == ["answer 1"] * 20
    clock.advance(59.9)
    assert await remembered.get("k", ask) == "answer 1"
    clock.advance(0.1)
    assert await remembered.get("k", ask) == "answer 2"
    assert await remembered.get("another", ask) == "answer 3"


async def test_no_answer_is_not_kept_and_who_gives_up_does_not_spoil_it_for_others() -> None:
    remembered: Remembered[str] = Remembered(ManualClock(), 60)
    go = asyncio.Event()

    async def fail() -> None:
        return None

    async def ask() -> str:
        await go.wait()
        return "answer"

    assert await remembered.get("k", fail) is None
    impatient = asyncio.ensure_future(remembered.get("k", ask))
    patient = asyncio.ensure_future(remembered.get("k", ask))
    await asyncio.sleep(0)
    impatient.cancel()
    go.set()
    assert await patient == "answer"


async def test_a_user_group_lets_its_full_members_in() -> None:
    async with open_office("socket", EXTAUTH_GET_ALLOW="S0TEAM") as office:
        office.state.groups["S0TEAM"] = [MEMBER, GUEST]
        assert "[Show token]" in office.read(await office.types("/extauth get EtGoogle0001", MEMBER))
        assert "Guests of a workspace" in office.read(await office.types("/extauth get EtGoogle0001", GUEST))
        assert "That is for the group" in office.read(await office.types("/extauth get EtGoogle0001", ADMIN))
        assert len(office.calls("usergroups.users.list")) == 1

        office.state.groups["S0TEAM"] = []
        office.clock.advance(60)
        assert "That is for the group" in office.read(await office.types("/extauth get EtGoogle0001", MEMBER))


async def test_a_group_that_slack_does_not_tell_denies() -> None:
    async with open_office("socket", EXTAUTH_GET_ALLOW="S0TEAM") as office:
        office.slack.web_api.failures["usergroups.users.list"] = "missing_scope"
        assert "Slack did not tell" in office.read(await office.types("/extauth get EtGoogle0001", MEMBER))


async def test_the_organisations_admins_count() -> None:
    async with open_office("socket") as office:
        office.state.people[MEMBER].enterprise_user = {"is_admin": True, "is_owner": False}
        assert "[Show token]" in office.read(await office.types("/extauth get EtGoogle0001", MEMBER))
