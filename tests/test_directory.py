"""Reading a person's standing out of Slack's user object."""

import pytest

from bot.access import Standing
from bot.directory import standing_of


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
