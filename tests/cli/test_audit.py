"""`extauth audit …`, as an operator runs it."""

import asyncio
import contextlib
import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.audit.log import AuditLog
from bot.slack.external_auth.models import DeleteTokens, GetToken
from tests import audit_log
from tests.audit_log import GET, TOKEN, actor, change, configured, open_audit_log, write
from tests.bot_process import ROOT
from tests.forked import run
from tests.manual_clock import ManualClock
from tests.pseudo_terminal import PseudoTerminal

KEY = "a-secret-key-of-more-than-32-characters"

CHECKED = "Checked with the key that EXTAUTH_SECRET_KEY, from the environment, unlocks.\n"


def command(url: str, *words: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return run(
        ["audit", *words],
        {"DATABASE_URL": url, "EXTAUTH_SECRET_KEY": audit_log.KEY, "PATH": "/usr/bin:/bin", **more},
        typed,
    )


@pytest.mark.process
async def test_the_commands(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await write(audit)
    await audit.deny(actor("U9"), GET, "=guest")

    async def ran(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(command, url, *words, typed=typed)

    listed = await ran("list", "--user", "U1")
    heading, line = listed.stdout.splitlines()
    assert heading.split() == [
        "ENTRY",
        "TIME",
        "(UTC)",
        "WORKSPACE",
        "USER",
        "ACTION",
        "OUTCOME",
        "TOOK",
        "REFERENCE",
        "PARAMETERS",
    ]
    assert line.endswith("T1         U1    get     fetched  12 ms  ABCD2345   external_token_id=Et1")
    exported = [json.loads(line) for line in (await ran("export")).stdout.splitlines()]
    assert [entry["user_id"] for entry in exported] == [None, "U0", "U1", "U2", "U9"]
    table = (await ran("export", "--format", "csv", "--action", "denied")).stdout
    assert "'=guest" in table
    assert TOKEN.get_secret_value() not in json.dumps(exported) + table
    verified = await ran("verify")
    assert (verified.returncode, verified.stdout) == (0, f"The audit log is intact: 5 entries in 8 rows.\n{CHECKED}")
    line = (await ran("checkpoint")).stdout
    compared = await ran("verify", "--checkpoint", "-", typed=line)
    assert compared.stdout == (
        f"The audit log is intact: 6 entries in 9 rows. Everything the checkpoints saw is still there.\n{CHECKED}"
    ), "the verification before is one more entry"
    odd = await ran("verify", "--checkpoint", "nonsense")
    assert (odd.returncode, odd.stderr.startswith("extauth: This is not a checkpoint")) == (2, True)
    assert (await ran("prune", "--older-than", "3")).stdout.startswith("No entries are older than ")
    await change(url, "UPDATE audit_records SET code = 'x' WHERE number = 2 AND chain = 'T1'")
    broken = await ran("verify")
    assert (broken.returncode, broken.stdout) == (
        1,
        "The audit log is NOT intact. T1: Row 2 was altered. The 4 rows before it are intact.\n",
    )


@pytest.mark.process
async def test_old_entries_are_pruned_after_a_question(audit: AuditLog, url: str, clock: ManualClock) -> None:
    clock.set_back(10 * 24 * 3600)
    await write(audit)
    clock.advance(10 * 24 * 3600)
    await write(audit, 1)
    checkpoint = (await audit.checkpoints("T1"))[0]

    async def ran(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(command, url, "prune", "--older-than", "3", *words, typed=typed)

    refused = await ran(typed="n\n")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.search(r"Delete 3 entries, from 20\S+Z to 20\S+Z\? This can't be undone\.", refused.stderr)
    assert (await ran(typed="y\n")).stdout == "Deleted 3 entries.\n"
    assert (await ran("--yes")).stdout.startswith("No entries are older than ")
    verified = await asyncio.to_thread(command, url, "verify", "--checkpoint", "-", typed=checkpoint)
    assert verified.stdout == (
        "The audit log is intact: 3 entries in 4 rows. 6 older rows were pruned. "
        f"Everything else the checkpoint saw is still there.\n{CHECKED}"
    )


@pytest.mark.process
async def test_each_workspace_can_be_read_verified_and_pruned_alone(
    audit: AuditLog, url: str, clock: ManualClock
) -> None:
    clock.set_back(10 * 24 * 3600)
    await write(audit)
    await audit.deny(replace(actor("U8"), team_id="T2"), GET, "guest")

    async def ran(*words: str, typed: str = "") -> str:
        done = await asyncio.to_thread(command, url, *words, typed=typed)
        return done.stdout or done.stderr

    of_t2 = ("--workspace", "T2")
    assert len((await ran("list")).splitlines()) == 7
    assert [word in await ran("list", *of_t2) for word in ("U8", "U1")] == [True, False]
    assert [json.loads(line)["team_id"] for line in (await ran("export")).splitlines()] == [
        *("T1", "T2"),
        *("T1", "T1", "T1", "T2"),
    ]
    assert [json.loads(line)["user_id"] for line in (await ran("export", *of_t2)).splitlines()] == ["U8"]
    both, one = await ran("checkpoint"), await ran("checkpoint", *of_t2)
    assert [line.split()[2] for line in (*both.splitlines(), *one.splitlines())] == [
        *("row=2", "row=6", "row=1", "row=1"),
    ]
    says = "6 entries in 9 rows. Everything the checkpoints saw is still there."
    assert await ran("verify", "--checkpoint", "-", typed=both) == f"The audit log is intact: {says}\n{CHECKED}"
    assert await ran("verify", *of_t2) == f"The audit log is intact: 1 entry in 1 row.\n{CHECKED}"
    unknown = await ran("verify", "--workspace", "T9")
    assert unknown == "extauth: There are no entries of T9. `audit list` shows the workspaces.\n"

    await change(url, "UPDATE audit_records SET user_id = 'U7' WHERE chain = 'T1' AND number = 3")
    assert await ran("verify", *of_t2) == f"The audit log is intact: 1 entry in 1 row.\n{CHECKED}"
    assert "T1: Row 3 was altered" in await ran("verify")
    assert await ran("prune", "--older-than", "3", "--yes", *of_t2) == "Deleted 1 entry.\n"
    assert len((await ran("export", "--workspace", "T1")).splitlines()) == 2
    assert "1 older row was pruned." in await ran("verify", *of_t2)


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
    assert "Fetched 3 times with Extauth, by: U0, U1, U2. The audit log goes back to 20" in found.stdout
    assert "Only a whole token is found" in found.stdout
    assert SECRET not in found.stdout + found.stderr
    cut_off = command(url, "find-token", typed=f"{SECRET[:-2]}\n")
    assert "No entry has this token. The audit log goes back to 20" in cut_off.stdout
    blank = command(url, "find-token", typed="  \n")
    assert (blank.returncode, blank.stdout) == (2, "")
    assert "extauth: No token was given." in blank.stderr


@pytest.mark.process
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["list", "--action", "bogus"], "'bogus' is not one of"),
        (["list", "--user", "ada"], "“ada” isn't an ID such as U012ABCDEF"),
        (["export", "--workspace", "acme"], "“acme” isn't an ID such as T012ABCDEF"),
        (["list", "--user", "ghp_" + "a1B2" * 9], "“ghp_… (40 characters)” isn't an ID"),
        (["list", "--token-id", "ghp_" + "a1B2" * 9], "“ghp_… (40 characters)” doesn't look like one."),
        (["export", "--provider-key", "a b"], "“a b” doesn't look like one."),
        (["export", "--token-id", "Et1", "--provider-key", "google"], "Use --token-id or --provider-key"),
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
    advice = "Start Extauth once, or correct DATABASE_URL.\n"
    ran = command(f"sqlite:///{tmp_path}/nowhere.db", *words, typed="x\n")
    assert ran.returncode == 1
    assert f"extauth: DATABASE_URL ({tmp_path}/nowhere.db): No audit log can be read there (" in ran.stderr
    assert ran.stderr.endswith(advice)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    ran = command(f"sqlite:///{tmp_path}/empty.db", *words, typed="x\n")
    assert ran.stderr.endswith(
        f"extauth: DATABASE_URL ({tmp_path}/empty.db): No audit log can be read there "
        f"(there is no audit log in it). {advice}"
    )


@pytest.mark.process
async def test_a_terminal_that_lacks_characters_gets_them_escaped(audit: AuditLog, url: str) -> None:
    await audit.attempt(actor(), GetToken("Zm9v" * 15))
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bot", "audit", "list"],
        env={
            **{"PYTHONPATH": str(ROOT), "DATABASE_URL": url, "EXTAUTH_SECRET_KEY": audit_log.KEY},
            **{"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Zm9v\\u2026 (60 characters)" in ran.stdout


@pytest.mark.process
def test_a_database_that_cannot_be_used_is_one_line_with_the_fix() -> None:
    ran = command("sqlite:////nowhere/at/all.db", "verify")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "extauth: DATABASE_URL (/nowhere/at/all.db): The folder /nowhere/at doesn't exist. "
        "Create the folder, or correct DATABASE_URL.\n"
    )


@pytest.mark.process
async def test_a_wrong_key_is_named(new_url: str) -> None:
    async with open_audit_log(configured(new_url, EXTAUTH_SECRET_KEY=KEY), ManualClock()) as log:
        await write(log)
    ran = await asyncio.to_thread(command, new_url, "list")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "extauth: EXTAUTH_SECRET_KEY: This isn't the key the audit log was written with. Set the original key again.\n"
    )


@pytest.mark.process
async def test_the_list_is_aligned(audit: AuditLog, url: str) -> None:
    await write(audit, 2)
    await audit.attempt(actor("U012LONGERID"), GetToken("Et1"))
    await audit.deny(actor("U9"), GET, "guest")

    listed = (await asyncio.to_thread(command, url, "list")).stdout.splitlines()

    columns = [listed[0].index(heading) for heading in ("TIME", "WORKSPACE", "USER", "ACTION", "OUTCOME", "PARAM")]
    for line in listed:
        assert all(line[column - 1] == " " and line[column] != " " for column in columns), line
    assert [line.split()[0] for line in listed[1:]] == ["6", "5", "3", "1", "1"]
    assert "denied (guest)" in listed[1]
    assert "NO RESULT" in listed[2]


@pytest.mark.process
async def test_an_empty_list_says_so(audit: AuditLog, url: str) -> None:
    ran = await asyncio.to_thread(command, url, "list")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "No entries found.\n")


async def shown(url: str, *words: str, stdout: int | None = None, **more: str) -> str:
    """What the command shows on a terminal."""

    def show() -> str:
        variables = {"DATABASE_URL": url, "EXTAUTH_SECRET_KEY": audit_log.KEY, "PATH": "/usr/bin:/bin", **more}
        with PseudoTerminal(["audit", *words], variables, 100, stdout=stdout) as terminal:
            return terminal.until_over()

    return await asyncio.to_thread(show)


@pytest.mark.process
async def test_color_is_for_terminals_and_never_the_only_mark(audit: AuditLog, url: str) -> None:
    await write(audit, 1)
    assert "\x1b[32mfetched" in await shown(url, "list")
    plain = await shown(url, "list", NO_COLOR="1")
    assert "fetched" in plain
    assert "\x1b" not in plain
    assert "\x1b" not in (await asyncio.to_thread(command, url, "list")).stdout


@pytest.mark.process
async def test_long_work_shows_how_far_it_is_on_a_terminal(audit: AuditLog, url: str) -> None:
    await write(audit)
    verified = await shown(url, "verify")
    assert re.search(r"Verifying  \[#+\]  100%.*[\d,]+ rows/s", verified)
    assert "The audit log is intact: 4 entries in 7 rows." in verified
    assert "Exporting" not in await shown(url, "export")
    ours, theirs = os.pipe()
    exported = await shown(url, "export", "--user", "U1", stdout=theirs)
    os.close(theirs)
    with os.fdopen(ours) as lines:
        assert [json.loads(line)["user_id"] for line in lines] == ["U1"]
    assert re.search(r"Exporting  \[#+\]  100%.*[\d,]+ entries/s", exported)
    assert (await asyncio.to_thread(command, url, "verify")).stderr == ""


@pytest.mark.process
async def test_a_log_whose_end_was_altered_is_verified_without_a_bar(audit: AuditLog, url: str) -> None:
    await write(audit)
    await change(url, "UPDATE audit_heads SET entries = 7 WHERE chain = 'T1'")
    assert await shown(url, "verify") == "The audit log is NOT intact. The head of the log of T1 was altered.\r\n"


@pytest.mark.process
async def test_entries_are_found_by_what_they_are_about(audit: AuditLog, url: str) -> None:
    for request in (GET, DeleteTokens(provider_key="google"), GetToken("Et2", force_refresh=True)):
        await audit.attempt(actor(), request)
    await audit.deny(actor("U9"), GET, "guest")
    for words, found in (
        (("list", "--token-id", "Et1"), ["external_token_id=Et1", "external_token_id=Et1"]),
        (("list", "--token-id", "Et1", "--user", "U9"), ["external_token_id=Et1"]),
        (("list", "--provider-key", "google", "--workspace", "T1"), ["provider_key=google"]),
        (("list", "--provider-key", "goo"), []),
    ):
        listed = await asyncio.to_thread(command, url, *words)
        assert [line.split()[-1] for line in listed.stdout.splitlines()[1:]] == found, words
    exported = (await asyncio.to_thread(command, url, "export", "--token-id", "Et2")).stdout.splitlines()
    assert [json.loads(line)["parameters"]["external_token_id"] for line in exported] == ["Et2"]


@pytest.mark.process
@pytest.mark.parametrize("words", [["export"], ["export", "--format", "csv"], ["list", "-n", "3000"]])
async def test_a_reader_that_ends_early_is_no_error(words: list[str], audit: AuditLog, url: str) -> None:
    for number in range(500):
        await audit.attempt(actor(), GetToken(f"EtNone{number}"))
    line = f"{sys.executable} -m bot audit {' '.join(words)} | head -1"
    ran = await asyncio.to_thread(
        subprocess.run,
        ["sh", "-c", line],
        env={**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": url, "EXTAUTH_SECRET_KEY": audit_log.KEY},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == 1


@pytest.mark.process
async def test_a_leaked_token_is_read_from_a_file_on_a_terminal_too(audit: AuditLog, url: str, tmp_path: Path) -> None:
    """With a terminal of its own, a program could ask there although its input comes from a file."""
    leaked = tmp_path / "leaked.txt"
    leaked.write_text("bearer\n  nobody-ever-fetched-this-one\n")
    environment = {"PYTHONPATH": str(ROOT), "DATABASE_URL": url, "EXTAUTH_SECRET_KEY": audit_log.KEY}
    pid, terminal = pty.fork()
    if pid == 0:
        os.dup2(os.open(leaked, os.O_RDONLY), 0)
        os.execve(sys.executable, [sys.executable, "-m", "bot", "audit", "find-token"], {**os.environ, **environment})
    shown = b""
    with contextlib.suppress(OSError):  # the program is gone
        while chunk := await asyncio.to_thread(os.read, terminal, 65536):
            shown += chunk
    os.close(terminal)
    _, status = await asyncio.to_thread(os.waitpid, pid, 0)
    assert status == 0, shown
    assert b"No entry has this token." in shown
    assert b"Token (hidden)" not in shown
