"""`extauth keys new`: a key that no one has to think up, written where `make start` finds it."""

import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import main
from bot.environment import read_environment
from bot.settings import read

BOT = "SLACK_BOT_TOKEN=xoxb-1234567890"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXTAUTH_SECRET_KEY", raising=False)


def test_a_new_key_is_printed_and_another_one_each_time() -> None:
    first, second = (CliRunner().invoke(main, ["keys", "new"]).output for _ in range(2))
    assert re.fullmatch(r"[0-9a-f]{64}\n", first)
    assert first != second
    assert not Path(".env").exists()


@pytest.mark.parametrize("before", ["", f"{BOT}\n", f"{BOT}\nEXTAUTH_SECRET_KEY=\nLOG_LEVEL=DEBUG\n"])
def test_a_key_is_written_where_there_is_none(before: str) -> None:
    file = Path(".env")
    file.write_text(before or f"{BOT}\n")
    ran = CliRunner().invoke(main, ["keys", "new", "--write"])
    assert ran.output.startswith(f"Extauth wrote a new EXTAUTH_SECRET_KEY into {Path.cwd() / '.env'}.")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (key,) = read(read_environment(Path.cwd())).secret_keys
    assert re.fullmatch(r"[0-9a-f]{64}", key.get_secret_value())
    assert key.get_secret_value() not in ran.output
    assert {line for line in before.splitlines() if "KEY" not in line} <= {*file.read_text().splitlines()}


def test_a_file_that_is_not_there_is_made_for_its_owner_alone() -> None:
    assert CliRunner().invoke(main, ["keys", "new", "--write"]).exit_code == 0
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600


@pytest.mark.parametrize("where", ["environment", "file"])
def test_a_key_that_is_set_is_left_alone(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = f"{BOT}\n" if where == "environment" else f"{BOT}\nEXTAUTH_SECRET_KEY={'k' * 32}\n"
    Path(".env").write_text(before)
    if where == "environment":
        monkeypatch.setenv("EXTAUTH_SECRET_KEY", "k" * 32)
    assert CliRunner().invoke(main, ["keys", "new", "--write"]).output == ""
    assert Path(".env").read_text() == before


def test_a_variable_that_is_empty_does_not_cost_the_key_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    before = f"{BOT}\nEXTAUTH_SECRET_KEY={'k' * 32}\n"
    Path(".env").write_text(before)
    monkeypatch.setenv("EXTAUTH_SECRET_KEY", "")
    ran = CliRunner().invoke(main, ["keys", "new", "--write"])
    assert (ran.exit_code, ran.output) == (
        2,
        "extauth: EXTAUTH_SECRET_KEY is set, but empty, which hides the one in .env. Unset it.\n",
    )
    assert Path(".env").read_text() == before


def test_a_link_leads_to_the_file_that_gets_the_key() -> None:
    Path("real.env").write_text(f"{BOT}\n")
    Path(".env").symlink_to("real.env")
    assert CliRunner().invoke(main, ["keys", "new", "--write"]).exit_code == 0
    assert Path(".env").is_symlink()
    assert "EXTAUTH_SECRET_KEY" in Path("real.env").read_text()


def test_what_is_no_file_of_settings_is_named() -> None:
    Path(".env").mkdir()
    ran = CliRunner().invoke(main, ["keys", "new", "--write"])
    assert ran.exit_code == 2
    assert ran.output.startswith(f"extauth: {Path.cwd() / '.env'} can't be read: ")
    Path(".env").rmdir()
    Path(".env").write_bytes(b"A=\xe9\n")
    assert CliRunner().invoke(main, ["keys", "new", "--write"]).exit_code == 2
    assert Path(".env").read_bytes() == b"A=\xe9\n"
