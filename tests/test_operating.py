"""What operators copy from docs/operating/ agrees with the code, and a backup is made and tested as it says there."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.clock import SystemClock
from bot.server.http import PATH
from bot.server.lifecycle import STOP_SECONDS
from bot.server.ops import LIVE_PATH, READY_PATH
from bot.settings import Settings
from tests.audit_log import KEY, configured, open_audit_log, write
from tests.bot_process import ROOT
from tests.databases import new_database

FOLDER = ROOT / "docs" / "operating"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SETTINGS = {str(field.alias) for field in Settings.model_fields.values()}
PORT = Settings.model_fields["port"].default
STOPS = STOP_SECONDS + 3
"""What SIGTERM may take, with a database that has stopped answering."""
USER = 10001


def manifests() -> dict[str, Any]:
    """The objects in the file for Kubernetes, by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all((FOLDER / "kubernetes.yml").read_text())}


def blocks(page: str) -> list[str]:
    """The commands on a page that run anywhere. Those that need a platform are marked `shell`."""
    return re.findall(r"^```sh\n(.*?)^```", (FOLDER / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", [ROOT / "Dockerfile", *sorted(FOLDER.iterdir())], ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = re.findall(r"\b(?:EXTAUTH|SLACK)_[A-Z_]+\b|\b(?:DATABASE_URL|HTTPS_PROXY|HOST|PORT)(?==)", path.read_text())
    assert set(named) <= SETTINGS


def test_kubernetes_asks_where_it_is_answered_and_waits_until_it_has_stopped() -> None:
    pod = manifests()["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (port,) = container["ports"]
    (served,) = manifests()["Service"]["spec"]["ports"]
    assert port["containerPort"] == served["port"] == PORT
    assert container["livenessProbe"]["httpGet"] == {"path": LIVE_PATH, "port": port["name"]}
    assert container["readinessProbe"]["httpGet"] == {"path": READY_PATH, "port": port["name"]}
    assert pod["terminationGracePeriodSeconds"] >= container["lifecycle"]["preStop"]["sleep"]["seconds"] + STOPS
    assert pod["securityContext"]["runAsUser"] == USER
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_kubernetes_has_what_it_refers_to() -> None:
    objects = manifests()
    pod = objects["Deployment"]["spec"]["template"]
    assert objects["Deployment"]["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    assert objects["Service"]["spec"]["selector"] == pod["metadata"]["labels"]
    (container,) = pod["spec"]["containers"]
    assert [each[kind]["name"] for each in container["envFrom"] for kind in each] == [
        objects["Secret"]["metadata"]["name"],
        objects["ConfigMap"]["metadata"]["name"],
    ]
    assert {*objects["Secret"]["stringData"], *objects["ConfigMap"]["data"]} <= SETTINGS
    # Kubernetes would set EXTAUTH_PORT and others for a Service of this name.
    assert pod["spec"]["enableServiceLinks"] is False


def test_the_image_is_built_of_what_is_there_and_runs_as_nobody() -> None:
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert patterns[0] == "*"
    for sources in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists()
            assert f"!{source}" in patterns
    assert not any(fnmatch(".env", pattern.removeprefix("!")) for pattern in patterns[1:])
    assert f"ARG UID={USER}\n" in DOCKERFILE
    assert re.search(r"^USER \$UID", DOCKERFILE, re.MULTILINE)
    assert f"PORT={PORT} " in DOCKERFILE
    assert f"EXPOSE {PORT}\n" in DOCKERFILE


def test_the_image_asks_where_it_is_answered() -> None:
    (command,) = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    program, _, code = json.loads(command)
    assert program == "python"
    compile(code, "HEALTHCHECK", "exec")
    assert LIVE_PATH in code


def test_systemd_waits_until_it_has_stopped_and_keeps_its_database() -> None:
    unit = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment]
    unit.read(FOLDER / "extauth.service")
    service = unit["Service"]
    assert service["ExecStart"].endswith("/extauth")
    assert float(service["TimeoutStopSec"]) >= STOPS
    assert service["Environment"] == f"DATABASE_URL=sqlite:////var/lib/{service['StateDirectory']}/extauth.db"


def test_the_proxy_passes_on_only_what_slack_sends() -> None:
    page = (FOLDER / "proxy.md").read_text()
    assert re.findall(r"location (\S.*) {", page) == [f"= {PATH}", "/"]
    assert f"proxy_pass http://127.0.0.1:{PORT};" in page


async def run_script(script: str, folder: Path, url: str, **more: str) -> str:
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / "bot").symlink_to(ROOT / "bot")
    ran = await asyncio.create_subprocess_exec(
        *("sh", "-euxc", script),
        cwd=folder,
        env={**os.environ, "DATABASE_URL": url, "EXTAUTH_SECRET_KEY": KEY, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = await ran.communicate()
    assert ran.returncode == 0, errors.decode()
    return output.decode()


@pytest.mark.process
async def test_a_backup_of_sqlite_can_be_verified_and_restored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/extauth.db"
    async with open_audit_log(configured(url), SystemClock()) as audit:
        await write(audit)
        # While it's open, the newest entries are in the file beside it.
        make, test, restore, _ = blocks("backup.md")
        said = await run_script(make + test, tmp_path, url)
    (tmp_path / "extauth.db").write_bytes(b"lost")
    for link in (".venv", "bot"):
        (tmp_path / link).unlink()
    said += await run_script(restore, tmp_path, url)
    assert said.count("Everything the checkpoints saw is still there.") == 2


@pytest.mark.process
async def test_a_backup_of_postgresql_can_be_verified(tmp_path: Path) -> None:
    if shutil.which("pg_dump") is None:
        pytest.skip("needs pg_dump")
    async with new_database("postgresql", tmp_path) as url, new_database("postgresql", tmp_path) as empty:
        async with open_audit_log(configured(url), SystemClock()) as audit:
            await write(audit)
        *_, script = blocks("backup.md")
        said = await run_script(script, tmp_path, url, TEST_URL=empty)
    assert "Everything the checkpoints saw is still there." in said
