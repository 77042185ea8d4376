"""Fetching, showing, and testing each have a list of their own."""

import pytest

from tests.harness import ADMIN, MEMBER, Harness, open_harness

GET = "apps.auth.external.get"
ID = "EtGoogle0001"


async def test_who_may_fetch_but_not_show_has_neither_the_button_nor_the_option() -> None:
    async with open_harness("socket", EXTAUTH_GET_ALLOW="members", EXTAUTH_SHOW_ALLOW="admins") as harness:
        read = harness.read(await harness.types(f"/extauth get {ID}", MEMBER))
        assert "✓ Token fetched" in read
        assert "Show token" not in read
        assert "[Force refresh]" in read
        assert "Delete…" not in read
        form = harness.read(await harness.opens("/extauth get", MEMBER))
        assert "Force a refresh" in form
        assert "Show the token in full" not in form
        help_ = harness.read(await harness.types("/extauth help", MEMBER))
        assert "/extauth get ID [--force-refresh]  fetches a token" in help_
        assert "You can't show tokens in full, delete tokens, list connected accounts, " in help_
        assert "--show" not in harness.read(await harness.types("/extauth help get", MEMBER))
        assert "--show" in harness.read(await harness.types("/extauth help get", ADMIN))
        calls = len(harness.calls(GET))
        denied = harness.read(await harness.types(f"/extauth get {ID} --show", MEMBER))
        assert "✕ You don't have permission to show tokens in full" in denied
        assert len(harness.calls(GET)) == calls


async def test_showing_can_be_off_for_everyone() -> None:
    async with open_harness("socket", EXTAUTH_SHOW_ALLOW="nobody") as harness:
        read = harness.read(await harness.types(f"/extauth get {ID}"))
        assert "✓ Token fetched" in read
        assert "Show" not in read
        assert "--show" not in harness.read(await harness.types("/extauth help"))
        denied = harness.read(await harness.types(f"/extauth get {ID} --show"))
        assert "By this workspace's settings, nobody can." in denied
        assert all(token.value not in str(harness.workspace.messages(ADMIN)) for token in harness.state.tokens.values())


async def test_a_button_from_before_showing_was_turned_off_shows_nothing(harness: Harness) -> None:
    message = await harness.types(f"/extauth get {ID}")
    async with open_harness("socket", EXTAUTH_SHOW_ALLOW="nobody") as now:
        other = await now.types(f"/extauth get {ID}")
        for block, old in zip(other.blocks, message.blocks, strict=False):
            block.update(old)
        assert "You don't have permission to show tokens in full" in now.read(await now.presses(other, "Show token"))


@pytest.mark.parametrize(
    ("variables", "can_test", "can_get"),
    [
        ({"EXTAUTH_TEST_ALLOW": "members"}, True, False),
        ({"EXTAUTH_GET_ALLOW": "members", "EXTAUTH_TEST_ALLOW": "admins"}, False, True),
        ({"EXTAUTH_GET_ALLOW": "members"}, True, True),
    ],
)
async def test_who_may_test_need_not_see_a_token(variables: dict[str, str], can_test: bool, can_get: bool) -> None:
    async with open_harness("socket", **variables) as harness:
        tested = harness.read(await harness.types(f"/extauth test {ID}", MEMBER))
        assert ("✓ This account works" in tested) == can_test
        fetched = harness.read(await harness.types(f"/extauth get {ID}", MEMBER))
        assert ("✓ Token fetched" in fetched) == can_get
        home = harness.read(await harness.types("/extauth help", MEMBER))
        assert ("test accounts" in home.partition("✕")[0]) == can_test
