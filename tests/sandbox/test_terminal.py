"""`python -m bot sandbox --terminal`, as somebody types in it."""

import pytest

from tests.bot_process import ROOT
from tests.forked import run


def play(*lines: str, options: tuple[str, ...] = ()) -> str:
    ran = run(["sandbox", "--terminal", *options], {"PATH": "/usr/bin:/bin"}, "\n".join(lines))
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return ran.stdout


@pytest.mark.parametrize("options", [(), ("--http",)])
def test_the_readmes_tour(options: tuple[str, ...]) -> None:
    document = (ROOT / "docs" / "commands.md").read_text()
    tour = document.split("You're an admin. Type these:\n\n```\n")[1].split("```")[0].splitlines()

    shown = play(*tour, options=options)

    for expected in (
        "[Show token] [Force refresh] [Delete…]",
        "== External token ==",
        "(the dialog is closed)",
        "This deletes all tokens of the provider google",
        "Deleted from Slack  all google tokens",
        "You are Gus (guest).",
        "You don't have permission to fetch tokens",
    ):
        assert expected in shown
    assert "That didn't work" not in shown


def test_mistakes_are_told() -> None:
    shown = play("nonsense", "press Nothing", "submit", "set x y", "as nobody", "help", "tokens", "people")

    assert "There's no command “nonsense”. Type help to see them all." in shown
    assert "That didn't work: there's no button “Nothing”." in shown
    assert "That didn't work: no dialog is open." in shown
    assert "That didn't work: there's nobody called “nobody”." in shown
    assert "EtGoogle0001" in shown
    assert "Ada (admin)" in shown


def test_the_shortcut_and_its_fields() -> None:
    shown = play(
        "shortcut", "set external_token_id EtShort00001", "set options force_refresh,show", "submit", "close", "quit"
    )

    assert "[x] Force a refresh" in shown
    assert "tiny-tok" in shown
