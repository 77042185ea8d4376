"""Every command in the README and the docs works as it's written there."""

import asyncio
import os
import re
import shlex
import signal
import subprocess
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest

from bot.clock import SystemClock
from tests.audit_log import configured, open_audit_log, write
from tests.bot_process import ROOT, Output, environment, simulated_slack

PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
DOCUMENTS = ["README.md", *(page for page in PAGES if page != "docs/operating/backup.md")]
"""Commands that need a platform are marked `shell` there. Those for backups are run in order, in test_operating.py."""
LINKED = (".env.example", "Makefile", "bot", "manifest.yml", "pyproject.toml", "requirements.txt", ".venv")

UNTIL_SAID = {
    "make sandbox": "sandbox is at",
    "make start": "serving",
    ".venv/bin/extauth": "serving",
}
"""What serves until it's stopped, and what it says when it's up."""
TYPED = {
    ".venv/bin/extauth audit find-token": "a-token-that-leaked\n",
    ".venv/bin/extauth audit prune --older-than 400": "n\n",
}
"""What asks for something, and what a person types then."""
BY_CI = {"make test"}
"""What a test can't run, because it would run itself. `.ci/run` does."""
UNCOMPILED = {**os.environ, "PIP_COMPILE": "0", "PIP_NO_INDEX": "1"}
"""Python compiles what is imported, when it is. `make` has asked the index for the same versions already."""
NEEDS_A_NEW_FOLDER = (
    "python3 -m venv .venv",
    ".venv/bin/pip install -r requirements.txt",
    ".venv/bin/pip install --no-deps -e .",
)


def documented() -> list[str]:
    """Every line of every block of commands."""
    lines: list[str] = []
    for document in DOCUMENTS:
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE):
            lines += [line.split("   #")[0].strip() for line in block.splitlines() if line.strip()]
    return [*dict.fromkeys(lines)]


ONCE = [line for line in documented() if line not in {*UNTIL_SAID, *BY_CI, *NEEDS_A_NEW_FOLDER}]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like a clone, in which nothing has been run yet."""
    done = ROOT / ".venv" / "run"
    if not done.exists() or done.stat().st_mtime < (ROOT / "requirements.txt").stat().st_mtime:
        # Otherwise make would set up the real .venv again from this folder, with paths that are soon gone.
        pytest.skip("make test sets up what these commands need")
    for name in LINKED:
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def test_every_listed_command_is_documented() -> None:
    assert {*UNTIL_SAID, *TYPED, *BY_CI, *NEEDS_A_NEW_FOLDER} <= {*documented()}
    assert len(documented()) > 10


def test_commands_left_to_ci_are_in_its_script() -> None:
    for line in BY_CI:
        assert re.search(rf"^{line}\b", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)


@pytest.mark.process
@pytest.mark.long
@pytest.mark.parametrize("line", ONCE)
async def test_documented_commands_that_end_succeed(line: str, checkout: Path) -> None:
    async with simulated_slack() as slack:
        database = f"sqlite:///{checkout}/extauth.db"
        async with open_audit_log(configured(database), SystemClock()) as audit:
            await write(audit)
        ran = await asyncio.create_subprocess_shell(
            line,
            cwd=checkout,
            env=environment(slack, DATABASE_URL=database),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        typed = slack.state.bot_token if line == "make token" else TYPED.get(line, "")
        output, errors = await ran.communicate(typed.encode())
        assert ran.returncode == 0, (output, errors)


@pytest.mark.process
@pytest.mark.long
@pytest.mark.parametrize("line", list(UNTIL_SAID))
async def test_documented_commands_that_serve_come_up(line: str, checkout: Path) -> None:
    async with simulated_slack() as slack:
        process = await asyncio.create_subprocess_exec(
            *shlex.split(line),
            cwd=checkout,
            env={**environment(slack), "SLACK_SIGNING_SECRET": "", "BROWSER": "true"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        output = Output(process.stdout, process.stderr)
        try:
            await output.until_said(UNTIL_SAID[line])
        finally:
            # make passes no signal on: the whole group gets it, as by Ctrl-C.
            os.killpg(process.pid, signal.SIGINT)
            await process.wait()


def pack(name: str, folder: Path) -> None:
    """Make the wheel again that an installed package came from."""
    package = distribution(name)
    # The last is the one for Python 3 where there is one for Python 2 as well.
    tag = re.findall(r"^Tag: (\S+)$", package.read_text("WHEEL") or "", re.MULTILINE)[-1]
    with ZipFile(folder / f"{name.replace('-', '_')}-{package.version}-{tag}.whl", "w") as wheel:
        for path in package.files or []:
            # Its commands and what is compiled are made when it's installed.
            if ".." not in path.parts and path.suffix != ".pyc":
                wheel.write(path.locate(), path)


@pytest.mark.process
@pytest.mark.long
def test_a_new_folder_can_be_set_up_without_make(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name in re.findall(r"^([\w-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE):
        pack(name, wheels)
    pack("setuptools", wheels)
    offline = {**UNCOMPILED, "PIP_FIND_LINKS": str(wheels)}
    for name in ("requirements.txt", "pyproject.toml", "README.md", "LICENSE", "bot"):
        (tmp_path / name).symlink_to(ROOT / name)
    for line in NEEDS_A_NEW_FOLDER:
        subprocess.run(line, shell=True, cwd=tmp_path, check=True, capture_output=True, env=offline)
    shown = subprocess.run([".venv/bin/extauth", "--help"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "sandbox" in shown.stdout
