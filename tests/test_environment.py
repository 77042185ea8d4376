"""The slash command has the name that a setting gives it, in every sentence."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.bot_process import ROOT


def test_everything_that_extauth_says_names_its_own_command(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("EXTAUTH_COMMAND=/extauth-dev\n")
    code = "import bot.environment; from tests.words import document; print(document())"
    environment = {name: value for name, value in os.environ.items() if name != "EXTAUTH_COMMAND"}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    usual = (ROOT / "docs" / "words.md").read_text()
    assert ran.stdout.strip() == re.sub("(?<!/)/extauth", "/extauth-dev", usual).strip()
