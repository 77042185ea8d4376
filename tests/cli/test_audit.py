"""`python -m bot audit …`, as an operator runs it."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.app import open_audit_log
from bot.audit.log import AuditLog
from bot.slack.external_auth.models import GetToken
from tests.audit_log import GET, TOKEN, actor, change, configured, write
from tests.bot_process import ROOT
from tests.manual_clock import ManualClock


def command(url: str, *words: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "audit", *words],
        env={
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": url,
            "PATH": "/usr/bin:/bin",
            **more,
        },
        input=typed,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.process
async def test_the_commands(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await write(audit)
    await audit.deny(actor("U9"), GET, "=guest")

    async def run(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(command, url, *words, typed=typed)

    listed = await run("list", "--user", "U1")
    assert len(listed.stdout.splitlines()) == 1
    assert "U1  get      external_token_id=Et1  fetched in 12 ms  ABCD2345" in listed.stdout
    exported = [json.loads(line) for line in (await run("export")).stdout.splitlines()]
    assert [entry["user_id"] for entry in exported] == ["U0", "U1", "U2", "U9"]
    table = (await run("export", "--format", "csv", "--action", "denied")).stdout
    assert "'=guest" in table
    assert TOKEN.get_secret_value() not in json.dumps(exported) + table
    verified = await run("verify")
    assert (verified.returncode, verified.stdout) == (0, "The record is whole: 4 entries in 7 rows.\n")
    line = (await run("checkpoint")).stdout
    compared = await run("verify", "--checkpoint", "-", typed=line)
    assert compared.stdout == (
        "The record is whole: 4 entries in 7 rows. It holds everything that the checkpoint saw.\n"
    )
    odd = await run("verify", "--checkpoint", "nonsense")
    assert (odd.returncode, odd.stderr.startswith("extauth: This is not a checkpoint")) == (2, True)
    assert (await run("prune", "--older-than", "3")).stdout.startswith("There is nothing from before ")
    await change(url, "UPDATE audit_records SET code = 'x' WHERE number = 2")
    broken = await run("verify")
    assert (broken.returncode, broken.stdout.startswith("The record is NOT whole. Row 2 was altered.")) == (1, True)


@pytest.mark.process
async def test_old_entries_are_pruned_after_a_question(audit: AuditLog, url: str, clock: ManualClock) -> None:
    clock.set_back(10 * 24 * 3600)
    await write(audit)
    clock.advance(10 * 24 * 3600)
    await write(audit, 1)
    checkpoint = await audit.checkpoint()

    async def run(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(command, url, "prune", "--older-than", "3", *words, typed=typed)

    refused = await run(typed="n\n")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.search(r"Delete 3 entries, from 20\S+Z to 20\S+Z, for good\?", refused.stderr)
    assert (await run(typed="y\n")).stdout == "3 entries deleted.\n"
    assert (await run("--yes")).stdout.startswith("There is nothing from before ")
    verified = await asyncio.to_thread(command, url, "verify", "--checkpoint", "-", typed=checkpoint)
    assert verified.stdout == (
        "The record is whole: 2 entries in 3 rows. Rows up to 6 were pruned. "
        "Of the others, it holds everything that the checkpoint saw.\n"
    )


SECRET = TOKEN.get_secret_value()


@pytest.mark.process
@pytest.mark.parametrize(
    "typed",
    [
        SECRET,
        f"  {SECRET}  ",
        f'"{SECRET}"',
        f"`{SECRET}`,",
        f"Bearer {SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"token={SECRET}",
        f"{SECRET[:9]}\n{SECRET[9:]}",
        f"{SECRET[:9]} {SECRET[9:]}",
    ],
)
def test_a_token_is_found_however_it_was_pasted(tmp_path: Path, typed: str) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"

    async def fill() -> None:
        async with open_audit_log(configured(url), ManualClock()) as log:
            await write(log)

    asyncio.run(fill())
    found = command(url, "find-token", typed=f"{typed}\n")
    assert "Fetched 3 times through this bot, by: U0, U1, U2. The record goes back to 20" in found.stdout
    assert "Only a whole token is found" in found.stdout
    assert SECRET not in found.stdout + found.stderr
    cut_off = command(url, "find-token", typed=f"{SECRET[:-2]}\n")
    assert "No entry has this token. The record goes back to 20" in cut_off.stdout
    blank = command(url, "find-token", typed="  \n")
    assert (blank.returncode, blank.stdout) == (2, "")
    assert "no token was given" in blank.stderr


@pytest.mark.process
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["list", "--action", "bogus"], "'bogus' is not one of"),
        (["list", "--user", "ada"], "“ada” is not an ID such as U012ABCDEF"),
        (["export", "--workspace", "acme"], "“acme” is not an ID such as T012ABCDEF"),
    ],
)
def test_a_filter_that_cannot_match_is_a_mistake(words: list[str], says: str, tmp_path: Path) -> None:
    ran = command(f"sqlite:///{tmp_path}/audit.db", *words)
    assert ran.returncode == 2
    assert says in ran.stderr


@pytest.mark.process
@pytest.mark.parametrize(
    "words", [["list"], ["export"], ["verify"], ["checkpoint"], ["find-token"], ["prune", "--older-than", "1"]]
)
def test_reading_creates_nothing_and_names_the_file(words: list[str], tmp_path: Path) -> None:
    ran = command(f"sqlite:///{tmp_path}/nowhere.db", *words, typed="x\n")
    assert ran.returncode == 1
    assert f"({tmp_path}/nowhere.db) cannot be used: FileNotFoundError" in ran.stderr
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    ran = command(f"sqlite:///{tmp_path}/empty.db", *words, typed="x\n")
    assert ran.stderr.strip().endswith(f"({tmp_path}/empty.db) cannot be used: there is no audit log in it")


@pytest.mark.process
async def test_a_terminal_that_lacks_characters_gets_them_escaped(audit: AuditLog, url: str) -> None:
    await audit.attempt(actor(), GetToken("Zm9v" * 15))
    ran = await asyncio.to_thread(command, url, "list", PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Zm9v\\u2026 (60 characters)" in ran.stdout


@pytest.mark.process
def test_a_database_that_cannot_be_used_is_one_line() -> None:
    ran = command("sqlite:////nowhere/at/all.db", "verify")
    assert ran.returncode == 1
    assert ran.stderr.startswith("extauth: the database of DATABASE_URL (/nowhere/at/all.db) cannot be used: ")
    assert len(ran.stderr.splitlines()) == 1
