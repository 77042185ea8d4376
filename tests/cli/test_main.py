"""The command line loads what a command needs, and no more. Its help fits a terminal, and ends with examples."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version

import click
import pytest
from click.testing import CliRunner

from bot import __version__
from bot.cli.main import main
from bot.cli.terminal import Command, Group
from tests.bot_process import ROOT

LOADED = "import sys, {modules}; print(*sorted(name for name in sys.modules if name.startswith({prefixes})))"
HEAVY = {"aiohttp", "alembic", "cryptography", "pydantic", "slack_bolt", "slack_sdk", "sqlalchemy"}
RUN = """
import sys
sys.argv = ["extauth", {word!r}]
from bot.cli.main import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)


def test_serving_and_reading_never_load_the_sandbox() -> None:
    modules = "bot.cli.main, bot.cli.serve, bot.cli.audit, bot.cli.check"
    ran = run("-c", LOADED.format(modules=modules, prefixes=("bot.sandbox", "yaml")))
    assert (ran.returncode, ran.stdout.split()) == (0, [])


def test_serving_loads_only_what_it_needs_from_the_start() -> None:
    rare = ("alembic", "psycopg", "sqlalchemy.dialects.postgresql", "jwt", "cryptography.x509")
    ran = run("-c", LOADED.format(modules="bot.cli.serve", prefixes=rare))
    assert (ran.returncode, ran.stdout.split()) == (0, [])


@pytest.mark.parametrize(("word", "shows"), [("--help", "Commands:"), ("-h", "Commands:"), ("--version", "Extauth ")])
def test_help_and_version_load_nothing_heavy(word: str, shows: str) -> None:
    ran = run("-c", RUN.format(word=word))
    assert (ran.returncode, shows in ran.stdout) == (0, True)
    loaded = {name.split(".")[0] for name in ran.stderr.split()}
    assert "click" in loaded
    assert loaded & HEAVY == set()


def test_the_version_is_the_packages() -> None:
    assert run("-m", "bot", "--version").stdout == f"Extauth {__version__}\n"
    assert version("extauth") == __version__


def test_an_unknown_command_is_a_usage_error() -> None:
    ran = run("-m", "bot", "sandbocks")
    assert ran.returncode == 2
    assert "No such command 'sandbocks'" in ran.stderr


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that it is typed by."""
    yield path, group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        elif command is not None:
            yield (*path, name), command


ALL = dict(commands())


def test_every_command_is_known_here() -> None:
    assert len(ALL) == 17
    assert {type(command) for command in ALL.values()} <= {Command, Group, type(main)}


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_fits_and_ends_with_examples(path: tuple[str, ...]) -> None:
    """In 80 columns nothing is cut off, and each example is a line that the command understands."""
    ran = CliRunner().invoke(main, [*path, "--help"], prog_name="extauth", terminal_width=80)
    text, _, examples = ran.stdout.partition("Examples:\n")
    assert ran.exit_code == 0
    assert all(len(line) <= 80 for line in ran.stdout.splitlines())
    assert "..." not in text.replace("[ARGS]...", "")
    assert examples.splitlines()
    for example in examples.splitlines():
        assert example.startswith("  " + " ".join(["extauth", *path]).rstrip())
        words = re.split(r" [<>] ", example.strip() + " ")[0].replace("'extauth-checkpoint …'", "LINE").split()
        understood = CliRunner().invoke(main, [*words[1:], "--help"])
        assert understood.exit_code == 0, example


@pytest.mark.parametrize("name", ["audit", "check", "http", "manifest", "sandbox", "socket"])
def test_the_line_in_the_overview_is_how_the_commands_own_help_begins(name: str) -> None:
    overview = CliRunner().invoke(main, ["--help"]).stdout
    [line] = [line.split(maxsplit=1)[1] for line in overview.splitlines() if re.match(rf"  {name} ", line)]
    assert line.endswith(".")
    assert str(ALL[(name,)].help).startswith(line)
