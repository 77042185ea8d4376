"""Builds the wheel and uses it as installed, in an empty folder: python -m tests.installed_wheel

On the oldest Python that is supported and the newest one found on this machine.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any

import aiohttp

from bot.sandbox.run import variables
from bot.sandbox.slack.channels import CHANNEL
from tests.bot_process import simulated_slack

ROOT = Path(__file__).parents[1]
OLDEST = (3, 11)


def pythons() -> dict[tuple[int, int], Path]:
    """The oldest supported and the newest Python here, or the one that runs this where there is no other."""
    found = {sys.version_info[:2]: Path(sys.executable)}
    for path in _candidates():
        asked = subprocess.run(
            [path, "-c", "import sys, venv, ensurepip; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0:
            major, minor = asked.stdout.split()
            found.setdefault((int(major), int(minor)), path)
    supported = sorted(version for version in found if version >= OLDEST)
    return {version: found[version] for version in (supported[0], supported[-1])}


def _candidates() -> Iterator[Path]:
    for minor in range(OLDEST[1], 30):
        on_path = shutil.which(f"python3.{minor}")
        if on_path:
            yield Path(on_path)
        yield from Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")


def build(folder: Path) -> Path:
    """Build the wheel into a folder."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT], check=True, capture_output=True
    )
    return next(folder.glob("*.whl"))


def install(python: Path, wheel: Path, folder: Path) -> None:
    """Install the wheel into a new environment."""
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    subprocess.run([folder / "venv/bin/pip", "install", "--quiet", wheel], check=True)


async def use(folder: Path, settings: dict[str, str]) -> None:
    """Run the installed commands in an empty folder."""
    empty = folder / "empty"
    empty.mkdir()
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    async def start(*words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            folder / "venv/bin/extauth", *words, cwd=empty, env=inherited | settings, stdout=PIPE, stderr=STDOUT
        )

    async def extauth(*words: str) -> str:
        process = await start(*words)
        shown = (await process.communicate())[0].decode()
        assert process.returncode == 0, f"extauth {' '.join(words)} exited with {process.returncode}:\n{shown}"
        return shown

    assert "sandbox" in await extauth("--help")
    assert "opens Socket Mode" in await extauth("check")
    sandbox = await start("sandbox", "--no-browser", "--port", "0")
    assert sandbox.stdout
    line = (await sandbox.stdout.readline()).decode()
    await tour(next(word for word in line.split() if word.startswith("http")))
    sandbox.terminate()
    assert (await sandbox.communicate())[0] == b""
    assert sandbox.returncode == 0


async def tour(address: str) -> None:
    """Do in the sandbox's page what a person would."""
    async with aiohttp.ClientSession(address) as browser, browser.get("/") as index, asyncio.timeout(60):
        assert "<html" in await index.text()
        async with browser.ws_connect("/page/socket") as page:

            async def until(text: str) -> Any:
                """Return the next message to the page that has this text in it."""
                while text not in (told := await page.receive_str()):
                    pass
                return json.loads(told)

            await page.send_json({"do": "type", "line": "/extauth get EtGoogle0001", "channel": CHANNEL})
            fetched = next(one for one in (await until("Show token"))["messages"] if one["kind"] == "private")
            await page.send_json({"do": "press", "ts": fetched["ts"], "label": "Show token"})
            await until("External token")
            await page.send_json({"do": "type", "line": "/extauth delete EtGitHub0001 --yes", "channel": CHANNEL})
            await until("Deleted from Slack")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder) / "dist")
        print(f"built {wheel.name}", flush=True)
        for (major, minor), python in pythons().items():
            with tempfile.TemporaryDirectory() as home:
                install(python, wheel, Path(home))
                async with simulated_slack() as slack:
                    await use(Path(home), variables(slack))
            print(f"extauth --help, check and sandbox work as installed under Python {major}.{minor}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
