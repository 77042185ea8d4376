"""What the sandbox's terminal offers to complete a line with."""

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from bot.sandbox.completion import SandboxCompleter
from bot.sandbox.terminal import Terminal
from bot.tasks import Tasks
from tests.harness import Harness


@pytest.fixture
def completer(harness: Harness) -> SandboxCompleter:
    return SandboxCompleter(harness.slack, Terminal(harness.slack, lambda line: None, Tasks()))


def offered(completer: SandboxCompleter, line: str) -> list[str]:
    """The whole lines that a line can become."""
    found = completer.get_completions(Document(line), CompleteEvent())
    return [f"{line[: len(line) + one.start_position]}{one.text}" for one in found]


@pytest.mark.parametrize("transport", ["socket"])
async def test_what_can_be_typed(completer: SandboxCompleter) -> None:
    assert offered(completer, "/e") == ["/extauth"]
    assert offered(completer, "s") == ["set ", "shortcut", "submit"]
    assert offered(completer, "/extauth ") == [
        f"/extauth {name}" for name in ("get", "delete", "list", "test", "history", "help")
    ]
    assert offered(completer, "/extauth get EtGit") == ["/extauth get EtGitHub0001"]
    assert offered(completer, "/extauth get EtGitHub0001 --f") == ["/extauth get EtGitHub0001 --force-refresh"]
    assert offered(completer, "/extauth list --p") == ["/extauth list --provider-key"]
    assert offered(completer, "/extauth history EtGit") == ["/extauth history EtGitHub0001"]
    assert offered(completer, "/extauth history 5 @o") == ["/extauth history 5 @olivia"]
    assert offered(completer, "/extauth get @") == []
    assert offered(completer, "/extauth help Et") == []
    assert offered(completer, "as o") == ["as Olivia (owner)"]
    for line in ("/extauth nonsense x", "set ", "set field v", "nonsense x", "tokens x", "press "):
        assert offered(completer, line) == []


@pytest.mark.parametrize("transport", ["socket"])
async def test_what_is_on_the_screen(completer: SandboxCompleter, harness: Harness) -> None:
    await harness.types("/extauth get EtGoogle0001")
    assert offered(completer, "press ") == ["press Show token", "press Force refresh", "press Delete…"]
    await harness.types("/extauth list google")
    assert offered(completer, "pick ") == ["pick EtGoogle0001", "pick EtGoogle0002"]
    assert offered(completer, "pick EtGoogle0002 ") == [
        f"pick EtGoogle0002 {item}" for item in ("Get", "Force refresh", "Test", "History", "Delete…")
    ]
    assert offered(completer, "pick EtGitHub0001 ") == []
    await harness.opens("/extauth get")
    assert offered(completer, "press ") == []
    assert offered(completer, "pick ") == []
    assert "set external_token_id" in offered(completer, "set ")
    assert offered(completer, "set options force_refresh,s") == ["set options force_refresh,show"]
    assert offered(completer, "set external_token_id EtGit") == ["set external_token_id EtGitHub0001"]
    assert offered(completer, "set nothing x") == []
