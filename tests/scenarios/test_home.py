"""The App Home, for each kind of person."""

from bot.sandbox import drawing
from tests.harness import ADMIN, GUEST, MEMBER, Harness


async def _home(harness: Harness, user: str) -> str:
    before = harness.state.homes.get(user)
    assert await harness.workspace.open_home(user)
    await harness.state.until(lambda: harness.state.homes.get(user) is not before)
    return "\n".join(
        line for block in harness.state.homes[user].content["blocks"] for line in drawing.block_lines(block)
    )


async def test_an_admin_gets_both_buttons(harness: Harness) -> None:
    home = await _home(harness, ADMIN)

    assert "Extauth fetches and deletes the tokens that Slack keeps" in home
    assert "[Get a token…] [Delete tokens…]" in home
    assert "✓ You can fetch tokens." in home
    assert "It looks like Et12345ABCDE" in home


async def test_others_learn_why_not_and_whom_to_ask(harness: Harness) -> None:
    reasons = {
        MEMBER: "You can't fetch tokens. Ask workspace admins and owners.",
        GUEST: "Guests can't use external tokens.",
    }
    for user, why in reasons.items():
        home = await _home(harness, user)
        assert "[Get a token…]" not in home
        assert why in home


async def test_it_is_fresh_each_time(harness: Harness) -> None:
    assert "[Get a token…]" in await _home(harness, ADMIN)
    harness.demote(ADMIN)
    assert "[Get a token…]" not in await _home(harness, ADMIN)


async def test_its_buttons_answer_inside_their_dialogs(harness: Harness) -> None:
    await _home(harness, ADMIN)
    home = harness.state.homes[ADMIN]

    assert await harness.workspace.press_in_dialog(home, "Get a token…")
    await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
    result = await harness.submits(await harness.dialog(), external_token_id="EtGoogle0001")
    assert "[Show token]" in harness.read(result)
    harness.workspace.close(result)

    assert await harness.workspace.press_in_dialog(home, "Delete tokens…")
    await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
    question = await harness.submits(await harness.dialog(), external_token_id="EtGoogle0001")
    assert "Deleted from Slack" in harness.read(await harness.submits(question))
    assert harness.workspace.messages(ADMIN) == []


async def test_standing_that_went_away_before_the_button_counts(harness: Harness) -> None:
    await _home(harness, ADMIN)
    harness.demote(ADMIN)

    await harness.workspace.press_in_dialog(harness.state.homes[ADMIN], "Delete tokens…")
    await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
    assert "You don't have permission to delete tokens" in harness.read(await harness.dialog())
