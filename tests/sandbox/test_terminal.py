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
        "ada-codes · github · EtGitHub0001",
        "Token fetched  EtGitHub0001",
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


def test_a_long_list_and_the_menu_beside_an_account() -> None:
    shown = play(
        "pick EtGoogle0001 Get",
        "/extauth list",
        "press Older",
        "pick EtMany000010 Delete…",
        "submit",
        "pick EtNone Get",
        options=("--accounts", "2500"),
    )

    assert "That didn't work: there's no menu." in shown
    assert "Connected accounts 1 to 10 of 2,506" in shown
    assert "Connected accounts 11 to 20 of 2,506" in shown
    assert "Delete the token EtMany000010?" in shown
    assert "Deleted from Slack  EtMany000010" in shown
    assert "That didn't work: no menu with “Get” beside “EtNone”." in shown


def test_the_shortcut_and_its_fields() -> None:
    shown = play(
        "shortcut", "set external_token_id EtShort00001", "set options force_refresh,show", "submit", "close", "quit"
    )

    assert "· EtShort00001] ▾" in shown
    assert "[x] Force a refresh" in shown
    assert "tiny-tok" in shown


def test_a_list_is_chosen_from_by_typing() -> None:
    shown = play("/extauth get", "set external_token_id google ada", "submit")

    assert "[ada@example.com · EtGoogle0001] ▾" in shown
    assert "Token fetched  EtGoogle0001" in shown


@pytest.mark.parametrize("options", [(), ("--http",)])
def test_somebodys_history(options: tuple[str, ...]) -> None:
    shown = play(
        *("/extauth get EtGoogle0001", "as owner", "/extauth get EtNone0", "/extauth history 1 @ada", "press Older"),
        *("/extauth history @olivia", "quit"),
        options=options,
    )

    assert "Last audit log entry by @U0ADMIN" in shown
    assert "Last audit log entry by @U0OWNER" in shown
    assert "@U0ADMIN · get EtGoogle0001 · fetched" in shown
    assert "@U0OWNER · get EtNone0 · failed: token_not_found" in shown
    assert "That didn't work: there's no button “Older”." in shown
