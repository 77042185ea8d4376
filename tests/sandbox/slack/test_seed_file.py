"""A seed file: what it can say, and what is said of a wrong one."""

from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.sandbox.slack.seed_file import SeedError, plant_file
from bot.sandbox.slack.state import State
from tests.bot_process import ROOT


async def test_the_example_of_the_readme() -> None:
    state = State(SystemClock())
    plant_file(state, ROOT / "docs" / "seed.yml")
    assert [person.name for person in state.people.values()] == ["Rosa", "Tom"]
    assert state.people["U0ROSA"].is_admin
    assert state.people["U0TOM"].is_restricted
    assert state.tokens["EtCalendar01"].extras == {"scope": "calendar.readonly", "token_type": "Bearer"}
    assert state.tokens["EtCalendar01"].account == "rosa@example.com"
    assert state.tokens["EtCalendar01"].updated_at == pytest.approx(state.clock.now(), abs=60)
    assert state.tokens["EtCrm0000001"].is_expired
    assert not state.tokens["EtCrm0000001"].has_refresh_token


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("people: [", "can't be read as YAML"),
        ("- 1", "must have people, tokens, or both"),
        ("tokns: []", "must have people, tokens, or both"),
        ("people: 3", "people must be a list"),
        ("people: []", "people is empty"),
        ("people: [{id: U1, name: A, role: boss}]", "entry 1 of people is wrong: role must be one of owner"),
        ("people: [{id: U1}]", "entry 1 of people is wrong"),
        ("tokens: [{id: Et1, provider: g, value: v, colour: red}]", "entry 1 of tokens is wrong"),
        ("tokens: [7]", "entry 1 of tokens is wrong"),
    ],
)
async def test_a_mistake_is_one_line_that_names_it(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "seed.yml"
    path.write_text(text)
    with pytest.raises(SeedError) as caught:
        plant_file(State(SystemClock()), path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
