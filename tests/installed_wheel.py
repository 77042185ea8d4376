"""Builds the wheel and uses it as installed, in an empty folder: python -m tests.installed_wheel

On the oldest Python that is supported and the newest one found on this machine.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bot.sandbox.run import variables
from tests.bot_process import simulated_slack

ROOT = Path(__file__).parents[1]
OLDEST = (3, 11)
TOUR = (
    "/extauth get EtGoogle0001\npress Show token\nclose\n/extauth delete EtGitHub0001 --yes\n/extauth history\nquit\n"
)


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


def use(python: Path, wheel: Path, folder: Path, settings: dict[str, str]) -> None:
    """Install the wheel and run its commands in an empty folder."""
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    subprocess.run([folder / "venv/bin/pip", "install", "--quiet", wheel], check=True)
    empty = folder / "empty"
    empty.mkdir()
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def extauth(*words: str, typed: str = "") -> str:
        ran = subprocess.run(
            [folder / "venv/bin/extauth", *words],
            cwd=empty,
            env=inherited | settings,
            input=typed,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, f"extauth {' '.join(words)} exited with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    assert "sandbox" in extauth("--help")
    assert "opens Socket Mode" in extauth("check")
    shown = extauth("sandbox", "--terminal", typed=TOUR)
    assert "== External token ==" in shown
    assert "Deleted from Slack  EtGitHub0001" in shown


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder) / "dist")
        print(f"built {wheel.name}", flush=True)
        for (major, minor), python in pythons().items():
            with tempfile.TemporaryDirectory() as home:
                async with simulated_slack() as slack:
                    await asyncio.to_thread(use, python, wheel, Path(home), variables(slack))
            print(f"extauth --help, check and sandbox work as installed under Python {major}.{minor}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
