"""Text as phones, editors, and broken programs write it."""

import pytest

from bot.operation import Operation
from bot.sandbox.slack.state import StoredToken
from tests.explanations.expected import title
from tests.harness import ADMIN, MEMBER, Harness, open_harness, over_both_transports

GET = "apps.auth.external.get"
ID = "EtGoogle0002"


@over_both_transports
@pytest.mark.parametrize("flag", ["", " --show"])
async def test_a_token_with_half_a_surrogate_pair_is_explained_and_recorded(harness: Harness, flag: str) -> None:
    harness.state.tokens[ID].value = "ya29.\ud83dabc-def-ghi"
    if flag:
        read = harness.read(await harness.opens(f"/extauth get {ID}{flag}"))
    else:
        read = harness.read(await harness.types(f"/extauth get {ID}"))
    assert f"✕ {title('answer_without_token', Operation.GET)}  {ID}" in read
    history = harness.read(await harness.types("/extauth history"))
    assert "failed" in history
    assert "answer_without_token" in history


@over_both_transports
@pytest.mark.parametrize(
    "typed", [f"*{ID}*", f"_{ID}_", f"‹{ID}›", f"\u202a{ID}\u202c", "Et\u202eGoogle0002", "\u2067EtGoogle0002\u2069"]
)
async def test_an_id_is_found_in_what_is_written_around_it(harness: Harness, typed: str) -> None:
    assert f"✓ Token fetched  {ID}" in harness.read(await harness.types(f"/extauth get {typed}"))
    view = await harness.opens_by_shortcut()
    assert f"✓ Token fetched  {ID}" in harness.read(await harness.submits(view, external_token_id=typed))


# Over HTTP, a command comes as a form, which has no way to write them.
@pytest.mark.parametrize("typed", ["get \ud83d", "delete --account x\ud83d", "history \udfff", "\ud83d"])
async def test_half_a_surrogate_pair_is_answered_as_any_mistake(harness: Harness, typed: str) -> None:
    before = len(harness.workspace.messages(ADMIN))
    assert await harness.workspace.command(ADMIN, f"/extauth {typed}")
    await harness.state.until(
        lambda: len(harness.workspace.messages(ADMIN)) > before or harness.workspace.dialog(ADMIN) is not None
    )
    assert harness.calls(GET) == []


@pytest.mark.parametrize("typed", ["etgoogle0002", "ETGOOGLE0002"])
async def test_an_id_in_another_case_is_found_where_the_list_has_it(harness: Harness, typed: str) -> None:
    assert f"✓ Token fetched  {ID}" in harness.read(await harness.types(f"/extauth get {typed}"))
    assert f"This account works  {ID}" in harness.read(await harness.types(f"/extauth test {typed}"))
    assert ID in harness.read(await harness.opens(f"/extauth delete {typed}"))
    assert {call["external_token_id"] for call in harness.calls(GET)} == {ID}


async def test_an_id_in_another_case_is_sent_as_typed_where_it_is_not_certain(harness: Harness) -> None:
    harness.state.tokens["Etgoogle0002"] = StoredToken("Etgoogle0002", "google", "a-token-like-any-other")
    await harness.types("/extauth get etgoogle0002")
    harness.slack.web_api.failures["apps.auth.external.list"] = "not_allowed_token_type"
    harness.clock.advance(60)
    await harness.types("/extauth get etgithub0001")
    assert [call["external_token_id"] for call in harness.calls(GET)] == ["etgoogle0002", "etgithub0001"]


async def test_a_deletion_of_another_id_than_the_typed_one_is_confirmed(harness: Harness) -> None:
    view = await harness.opens("/extauth delete etgoogle0002 --yes")
    assert ID in harness.read(view)
    assert harness.calls("apps.auth.external.delete") == []
    assert ID in harness.state.tokens


async def test_whoever_may_not_list_accounts_learns_nothing_of_their_ids() -> None:
    async with open_harness("socket", EXTAUTH_GET_ALLOW="members") as harness:
        await harness.types("/extauth get etgoogle0002", MEMBER)
        assert [call["external_token_id"] for call in harness.calls(GET)] == ["etgoogle0002"]
        assert harness.calls("apps.auth.external.list") == []
