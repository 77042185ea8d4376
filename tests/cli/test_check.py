"""`extauth check`, as an operator or a program runs it."""

import asyncio
import json
import logging
import re
import subprocess
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from bot.cli.check import CAN_RUN
from bot.cli.main import main
from tests.audit_log import KEY
from tests.bot_process import bot_process, environment, simulated_slack
from tests.forked import run
from tests.pseudo_terminal import on_a_terminal

CHECK = ["check"]
OFFLINE = "http://127.0.0.1:9/api/"
ESCAPE = "\x1b["


def check(variables: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return run([*CHECK, *words], variables)


async def checked(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    async with simulated_slack() as slack:
        return await asyncio.to_thread(check, environment(slack, **more), *words)


@pytest.mark.process
async def test_all_is_ok() -> None:
    ran = await checked()
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert "ok           SLACK_APP_TOKEN: The token opens Socket Mode (connection 1 of 10)." in lines
    assert all(line.startswith("ok  ") for line in lines[:-2])
    assert lines[-2:] == ["", "Everything is OK."]


@pytest.mark.process
async def test_a_problem_comes_with_its_fix_and_status_1() -> None:
    ran = await checked(EXTAUTH_GET_ALLOW="U0NOBODY")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert (
        "problem      EXTAUTH_GET_ALLOW: U0NOBODY isn't anyone Slack knows here.\n"
        "             Remove U0NOBODY from the list.\n"
    ) in ran.stdout
    assert ran.stdout.endswith("\n1 problem.\n")


@pytest.mark.process
async def test_json_is_one_object() -> None:
    ran = await checked("--json", EXTAUTH_DELETE_ALLOW="U0GUEST")
    assert (ran.returncode, ran.stderr) == (1, "")
    [*findings] = json.loads(ran.stdout)["findings"]
    assert all(list(finding) == ["subject", "status", "says", "fix", "can_run"] for finding in findings)
    assert {
        "subject": "EXTAUTH_DELETE_ALLOW",
        "status": "problem",
        "says": "U0GUEST is a guest.",
        "fix": "Remove U0GUEST from the list.",
        "can_run": False,
    } in findings


@pytest.mark.process
@pytest.mark.parametrize("words", [[], ["--json"]])
async def test_offline_is_status_1_and_not_one_line_of_a_log(words: list[str]) -> None:
    ran = await checked(*words, SLACK_API_URL=OFFLINE, LOG_LEVEL="DEBUG", EXTAUTH_GET_ALLOW="U0ADMIN")
    assert (ran.returncode, ran.stderr) == (1, "")
    if words:
        statuses = {finding["subject"]: finding["status"] for finding in json.loads(ran.stdout)["findings"]}
        assert statuses["SLACK_BOT_TOKEN"] == "not checked"
    else:
        assert "not checked  SLACK_BOT_TOKEN: Because Slack couldn't be reached." in ran.stdout
        assert ran.stdout.endswith("\n1 problem, 6 not checked.\n")
        assert all(re.match(r"(ok|problem|not checked) |  {12}|$|1 problem", line) for line in ran.stdout.splitlines())


@pytest.mark.process
async def test_a_token_of_an_unusual_form_is_a_finding_and_no_line_of_a_log() -> None:
    ran = await checked(SLACK_APP_TOKEN="an-unknown-kind-of-token")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "problem      SLACK_APP_TOKEN: Slack doesn't accept this token (invalid_auth)." in ran.stdout


@pytest.fixture
def root_handlers() -> Iterator[list[logging.Handler]]:
    handlers = logging.getLogger().handlers
    before = handlers[:]
    yield handlers
    handlers[:] = before


OF_ONE = {"SLACK_BOT_TOKEN": "xoxb-1234567890", "SLACK_APP_TOKEN": "xapp-1234567890", "EXTAUTH_SECRET_KEY": KEY}


def test_whatever_logs_while_it_checks_is_silent(root_handlers: list[logging.Handler]) -> None:
    ran = CliRunner().invoke(main, ["check"], env={**OF_ONE, "SLACK_API_URL": OFFLINE})
    assert ran.exit_code == 1
    assert [type(handler) for handler in root_handlers] == [logging.NullHandler]


@pytest.mark.process
async def test_a_check_that_was_skipped_is_status_1() -> None:
    async with simulated_slack() as slack:
        slack.web_api.failures["users.info"] = "internal_error"
        ran = await asyncio.to_thread(check, environment(slack, EXTAUTH_GET_ALLOW="U0ADMIN"))
    assert ran.returncode == 1
    assert ran.stdout.endswith("\n1 not checked.\n")


@pytest.mark.process
async def test_a_wrong_setting_is_status_2() -> None:
    ran = await checked("--json", PORT="many")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("extauth: PORT")


@pytest.mark.process
async def test_on_a_terminal_lines_are_colored_and_fit() -> None:
    async with simulated_slack() as slack:
        variables = environment(slack, EXTAUTH_GET_ALLOW="U0NOBODY")
        variables.pop("NO_COLOR", None)
        shown = await asyncio.to_thread(on_a_terminal, CHECK, variables, columns=60)
        plain = await asyncio.to_thread(on_a_terminal, CHECK, {**variables, "NO_COLOR": "1"}, columns=60)
    assert f"{ESCAPE}31mproblem      {ESCAPE}0mEXTAUTH_GET_ALLOW" in shown
    assert ESCAPE not in plain
    assert "problem      EXTAUTH_GET_ALLOW" in plain
    assert max(len(line) for line in plain.splitlines() if "/" not in line) <= 60


@pytest.mark.process
async def test_what_slack_says_cannot_draw_on_the_terminal() -> None:
    async with simulated_slack() as slack:
        slack.state.team_name = "Evil\x1b[2J\nproblem"
        ran = await asyncio.to_thread(check, environment(slack))
    assert "\x1b" not in ran.stdout
    assert "workspace Evil\\x1b[2J\\nproblem (T0SANDBOX)" in ran.stdout


@pytest.mark.process
async def test_a_token_that_may_not_fetch_does_not_keep_it_from_starting() -> None:
    async with simulated_slack() as slack:
        slack.state.api_tokens = set()
        ran = await asyncio.to_thread(check, environment(slack))
        assert ran.returncode == CAN_RUN
        assert ran.stdout.endswith("\n2 problems. Extauth can still start.\n")
        async with bot_process("socket", slack):
            assert await slack.workspace.command("U0ADMIN", "/extauth help")


@pytest.mark.process
@pytest.mark.parametrize(
    ("may", "status", "says"),
    [
        (True, 0, "This token can delete tokens. Slack answered token_not_found, as it should for a made-up ID."),
        (
            False,
            1,
            "apps.auth.external.list: Slack doesn't let this token list accounts (not_allowed_token_type).",
        ),
    ],
)
async def test_a_typed_token_is_tried_with_each_method_and_never_shown(may: bool, status: int, says: str) -> None:
    async with simulated_slack() as slack:
        typed = slack.state.bot_token
        slack.state.api_tokens = {typed} if may else set()
        ran = await asyncio.to_thread(run, ["check", "--token"], {"SLACK_API_URL": slack.api_url}, f"  {typed}\n")
        asked = [one.kind for one in slack.state.traffic if one.kind.startswith("apps.auth.")]
    assert (ran.returncode, ran.stderr) == (status, "")
    assert asked == [f"apps.auth.external.{name}" for name in ("get", "delete", "list")]
    assert says in ran.stdout
    assert typed not in ran.stdout + ran.stderr
