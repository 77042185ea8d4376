"""The prompt of the sandbox's terminal: line editing, the lines typed before, and completion."""

from collections.abc import Iterator
from contextlib import contextmanager

from prompt_toolkit import PromptSession
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout

from bot.sandbox.completion import SandboxCompleter
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.terminal import NextLine, Terminal


@contextmanager
def prompting(slack: SimulatedSlack, terminal: Terminal) -> Iterator[NextLine]:
    """Ask for each line with a prompt that says who you are. What is printed meanwhile appears above it.

    Lines typed before are remembered until the end and no longer: somebody may paste a token.
    """
    session: PromptSession[str] = PromptSession(
        history=InMemoryHistory(), completer=SandboxCompleter(slack, terminal), complete_while_typing=False
    )

    async def next_line() -> str | None:
        try:
            return (await session.prompt_async(f"{terminal.name}> ")).strip()
        except EOFError:
            return None

    with patch_stdout(raw=True):
        yield next_line
