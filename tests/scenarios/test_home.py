"""The App Home, for each kind of person."""

from bot.sandbox import drawing
from tests.office import ADMIN, GUEST, MEMBER, Office


async def _home(office: Office, user: str) -> str:
    before = office.state.homes.get(user)
    assert await office.workspace.open_home(user)
    await office.state.until(lambda: office.state.homes.get(user) is not before)
    return "\n".join(
        line for block in office.state.homes[user].content["blocks"] for line in drawing.block_lines(block)
    )


async def test_an_admin_gets_both_buttons(office: Office) -> None:
    home = await _home(office, ADMIN)

    assert "Extauth hands out the tokens that Slack keeps" in home
    assert "[Get a token] [Delete tokens]" in home
    assert "• You may fetch tokens." in home
    assert "A token id looks like Et12345ABCDE" in home


async def test_others_learn_why_not_and_whom_to_ask(office: Office) -> None:
    for user, why in ((MEMBER, "That is for workspace admins and owners."), (GUEST, "Guests of a workspace cannot")):
        home = await _home(office, user)
        assert "[Get a token]" not in home
        assert why in home


async def test_it_is_fresh_each_time(office: Office) -> None:
    assert "[Get a token]" in await _home(office, ADMIN)
    office.demote(ADMIN)
    assert "[Get a token]" not in await _home(office, ADMIN)


async def test_its_buttons_answer_inside_their_dialogs(office: Office) -> None:
    await _home(office, ADMIN)
    home = office.state.homes[ADMIN]

    assert await office.workspace.press_in_dialog(home, "Get a token")
    await office.state.until(lambda: office.workspace.dialog(ADMIN) is not None)
    result = await office.submits(await office.dialog(), external_token_id="EtGoogle0001")
    assert "[Show token]" in office.read(result)
    office.workspace.close(result)

    assert await office.workspace.press_in_dialog(home, "Delete tokens")
    await office.state.until(lambda: office.workspace.dialog(ADMIN) is not None)
    question = await office.submits(await office.dialog(), external_token_id="EtGoogle0001")
    assert "Deleted on Slack's side" in office.read(await office.submits(question))
    assert office.workspace.messages(ADMIN) == []


async def test_standing_that_went_away_before_the_button_counts(office: Office) -> None:
    await _home(office, ADMIN)
    office.demote(ADMIN)

    await office.workspace.press_in_dialog(office.state.homes[ADMIN], "Delete tokens")
    await office.state.until(lambda: office.workspace.dialog(ADMIN) is not None)
    assert "You may not delete tokens here" in office.read(await office.dialog())
