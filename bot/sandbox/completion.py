"""What can come next in a line that is being typed in the sandbox's terminal."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from bot.commands.subcommand import COMMAND, Subcommand
from bot.listeners import LISTENERS
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.terminal import Terminal

_WORDS = (COMMAND, "as ", "close", "help", "people", "pick ", "press ", "quit", "set ", "shortcut", "submit", "tokens")


class SandboxCompleter(Completer):
    """Completes commands, what the bot understands, and what is on the screen."""

    def __init__(self, slack: SimulatedSlack, terminal: Terminal) -> None:
        self._slack = slack
        self._terminal = terminal

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Return what the text before the cursor can go on with."""
        line = document.text_before_cursor
        word, space, rest = line.partition(" ")
        if not space:
            return _beginning_with(word, _WORDS)
        if word == COMMAND:
            return self._command(rest)
        if word == "press":
            return _beginning_with(rest, self._labels())
        if word == "pick":
            return self._menu(rest)
        if word == "set":
            return self._field(rest)
        if word == "as":
            return _beginning_with(rest, [person.name for person in self._slack.state.people.values()])
        return ()

    def _command(self, rest: str) -> Iterator[Completion]:
        subcommands = {one.subcommand.name: one.subcommand for one in LISTENERS if one.subcommand is not None}
        name, space, more = rest.partition(" ")
        if not space:
            yield from _beginning_with(name, [*subcommands])
        elif name in subcommands:
            yield from _beginning_with(more.rpartition(" ")[2], self._arguments(subcommands[name]))

    def _arguments(self, subcommand: Subcommand) -> list[str]:
        options = [option.spelling for option in subcommand.options]
        tokens = [*self._slack.state.tokens] if subcommand.argument == "external_token_id" else []
        people = [f"@{person.handle}" for person in self._slack.state.people.values()]
        return [*tokens, *(people if subcommand.argument_for("@") != subcommand.argument else []), *options]

    def _shown(self) -> Iterator[Mapping[str, Any]]:
        """Yield the blocks of the dialog, or else those of the messages, newest first."""
        view = self._slack.workspace.dialog(self._terminal.user)
        messages = reversed(self._slack.workspace.messages(self._terminal.user))
        shown = [view.content["blocks"]] if view is not None else [message.blocks for message in messages]
        return (block for blocks in shown for block in blocks)

    def _labels(self) -> list[str]:
        labels = [
            element["text"]["text"]
            for block in self._shown()
            for element in block.get("elements", [])
            if element.get("type") == "button"
        ]
        return [*dict.fromkeys(labels)]

    def _menu(self, rest: str) -> Iterator[Completion]:
        """Complete a token ID with a menu beside it, then what that menu offers."""
        menus = [block for block in self._shown() if block.get("accessory", {}).get("type") == "overflow"]
        row, space, label = rest.partition(" ")
        if not space:
            rows = [
                token for token in self._slack.state.tokens if any(token in block["text"]["text"] for block in menus)
            ]
            yield from _beginning_with(row, rows)
            return
        options = [
            option["text"]["text"]
            for block in menus
            if row in block["text"]["text"]
            for option in block["accessory"]["options"]
        ]
        yield from _beginning_with(label, dict.fromkeys(options))

    def _field(self, rest: str) -> Iterator[Completion]:
        fields = self._fields()
        name, space, value = rest.partition(" ")
        if not space:
            yield from _beginning_with(name, [*fields])
        elif name in fields:
            element = fields[name]["element"]
            options = [option["value"] for option in element.get("options", [])]
            if element["type"] == "external_select":
                options = [*self._slack.state.tokens, *self._slack.state.providers]
            yield from _beginning_with(value.rpartition(",")[2], options)

    def _fields(self) -> dict[str, Mapping[str, Any]]:
        view = self._slack.workspace.dialog(self._terminal.user)
        blocks = view.content["blocks"] if view is not None else []
        return {str(block["block_id"]): block for block in blocks if "element" in block}


def _beginning_with(typed: str, candidates: Iterable[str]) -> Iterator[Completion]:
    for candidate in candidates:
        if candidate.lower().startswith(typed.lower()):
            yield Completion(candidate, start_position=-len(typed))
