"""The sandbox in a terminal: type as one of its people, and read what that person sees."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable

from bot.sandbox import drawing
from bot.sandbox.slack.elements import NotThere
from bot.sandbox.slack.server import SimulatedSlack
from bot.sandbox.slack.state import OpenView
from bot.tasks import Tasks

POLL_SECONDS = 0.05
MAX_WAIT_SECONDS = 15.0

WELCOME = """Extauth's sandbox: the real bot in a simulated Slack. Nothing leaves this machine.
You are {person}. Type a command, such as:
  /extauth help
  /extauth get EtGoogle0001
  /extauth delete EtGitHub0001
  /extauth list
Or one of: as NAME · shortcut · press LABEL · pick ROW LABEL · set FIELD VALUE · submit · close · tokens · people · help
· quit"""

HELP = """/extauth …            send the command as the person you are
as NAME               become someone else: owner, admin, member, guest
shortcut              choose the global shortcut “External tokens”
press LABEL           press a button in the dialog, or in the newest message
pick ROW LABEL        choose from the menu (⋯) beside a line: pick EtGoogle0001 Get
set FIELD VALUE       fill in a field by its name in «»; give checkboxes and choices by theirs, separated by commas
                      in a field with a list (▾), part of an account's name, a provider, or an ID
submit, close         press the dialog's own buttons
tokens, people        list what there is to try; EtErr.CODE as a token ID gives any error, such as EtErr.invalid_auth
quit                  end the sandbox"""

NextLine = Callable[[], Awaitable[str | None]]
"""Returns the next line that was typed; None when there are no more."""


class Terminal:
    """Reads lines, acts, and prints what has changed for the person at the keyboard."""

    def __init__(self, slack: SimulatedSlack, write: Callable[[str], None], tasks: Tasks) -> None:
        self._slack = slack
        self._workspace = slack.workspace
        self._write = write
        self._tasks = tasks
        self.user = next(iter(slack.state.people))
        self._seen: set[str] = set()
        self._shown: str | None = None

    async def run(self, next_line: NextLine) -> None:
        """Act on each line until `quit` or the end of the input."""
        self._write(WELCOME.format(person=self.name))
        printing = asyncio.ensure_future(self._print_changes())
        try:
            while (line := await next_line()) is not None and line != "quit":
                await self._act(line)
                await self._settle()
        finally:
            printing.cancel()

    @property
    def name(self) -> str:
        """Who you are."""
        return self._slack.state.people[self.user].name

    async def _act(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        acts: dict[str, Callable[[str], Awaitable[object]]] = {
            "as": self._become,
            "shortcut": lambda _: self._workspace.shortcut(self.user, "external_tokens"),
            "press": self._press,
            "pick": self._pick,
            "set": self._set,
            "submit": lambda _: self._workspace.submit(self._dialog()),
            "close": self._close,
            "tokens": self._tokens,
            "people": self._people,
            "help": self._help,
        }
        try:
            if line.startswith("/"):
                await self._workspace.command(self.user, line)
            elif word in acts:
                await acts[word](rest.strip())
            elif line:
                self._write(f"There's no command “{word}”. Type help to see them all.")
        except NotThere as error:
            self._write(f"That didn't work: {error}.")
        except KeyError as error:
            self._write(f"That didn't work: there's no choice “{error.args[0]}”.")

    async def _become(self, name: str) -> None:
        found = [person for person in self._slack.state.people.values() if name and name.lower() in person.name.lower()]
        if not found:
            raise NotThere(f"there's nobody called “{name}”. Type people to see everyone")
        self.user, self._shown = found[0].user_id, None
        self._write(f"You are {self.name}.")

    async def _press(self, label: str) -> None:
        view = self._workspace.dialog(self.user)
        if view is not None:
            await self._workspace.press_in_dialog(view, label)
            return
        for message in reversed(self._workspace.messages(self.user)):
            if f"[{label}]" in "\n".join(drawing.message_lines(message)):
                await self._workspace.press(message, label)
                return
        raise NotThere(f"there's no button “{label}”")

    async def _pick(self, rest: str) -> None:
        row, _, label = rest.partition(" ")
        view = self._workspace.dialog(self.user)
        if view is not None:
            await self._workspace.pick_in_dialog(view, row, label.strip())
            return
        for message in reversed(self._workspace.messages(self.user)):
            if any(block.get("accessory", {}).get("type") == "overflow" for block in message.blocks):
                await self._workspace.pick(message, row, label.strip())
                return
        raise NotThere("there's no menu")

    async def _set(self, rest: str) -> None:
        field, _, value = rest.partition(" ")
        view = self._dialog()
        block = next((one for one in view.content["blocks"] if one.get("block_id") == field), None)
        if block is None or "element" not in block:
            raise NotThere(f"there's no field “{field}”")
        kind = block["element"]["type"]
        if kind == "external_select":
            await self._workspace.type_into(view, field, value)
        elif kind == "radio_buttons":
            await self._workspace.choose(view, field, value)
        else:
            ticked = [one.strip() for one in value.split(",") if one.strip()]
            self._workspace.fill(view, {field: ticked if kind in ("checkboxes", "multi_users_select") else value})

    async def _close(self, _: str) -> None:
        self._workspace.close(self._dialog())

    async def _tokens(self, _: str) -> None:
        for token in self._slack.state.tokens.values():
            expired = ", expired" if token.is_expired else ""
            self._write(f"  {token.token_id:<14} {token.provider_key}{expired}")
        self._write("  EtErr.CODE     any error, such as EtErr.invalid_auth, EtErr.429 or EtErr.timeout")

    async def _people(self, _: str) -> None:
        for person in self._slack.state.people.values():
            self._write(f"  {person.name}")

    async def _help(self, _: str) -> None:
        self._write(HELP)

    def _dialog(self) -> OpenView:
        view = self._workspace.dialog(self.user)
        if view is None:
            raise NotThere("no dialog is open")
        return view

    async def _print_changes(self) -> None:
        while True:
            self._print_new()
            await asyncio.sleep(POLL_SECONDS)

    def _print_new(self) -> None:
        for message in self._workspace.messages(self.user):
            if message.ts not in self._seen:
                self._seen.add(message.ts)
                self._write_box("only visible to you", drawing.message_lines(message))
        view = self._workspace.dialog(self.user)
        if view is None:
            if self._shown is not None:
                self._write("  (the dialog is closed)")
            self._shown = None
            return
        drawn = "\n".join(drawing.dialog_lines(view))
        if drawn != self._shown:
            self._shown = drawn
            self._write_box("dialog", drawn.split("\n"))

    def _write_box(self, title: str, lines: list[str]) -> None:
        self._write("\n".join([f"┌─ {title}", *(f"│ {line}" for line in lines), "└─"]))

    async def _settle(self) -> None:
        """Wait until the bot has done what it was asked, or is making the person wait, and print."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MAX_WAIT_SECONDS):
                await self._tasks.idle()
        self._print_new()


def read_lines() -> NextLine:
    """Read the lines of standard input. A thread does, so nothing else waits for the person to type."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line.strip())
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    return lines.get
