"""The command line loads what a command needs, and no more."""

import subprocess
import sys

import pytest

from tests.bot_process import ROOT

LOADED = "import sys, bot.cli.{module}; print(*sorted(name for name in sys.modules if name.startswith({prefixes})))"


@pytest.mark.parametrize("module", ["main", "serve", "audit", "check"])
def test_serving_and_reading_never_load_the_sandbox(module: str) -> None:
    code = LOADED.format(module=module, prefixes=("bot.sandbox", "yaml"))
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


def test_an_unknown_command_is_a_usage_error() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "sandbocks"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "No such command 'sandbocks'" in ran.stderr
