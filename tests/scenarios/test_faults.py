"""Every broken answer to every call: one explanation where the person is, nothing done twice, no token in the log."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager

import pytest

from bot import logs
from bot.listeners.replies import RESPONSE_URL_SECONDS
from bot.operation import Operation
from bot.sandbox.slack.channels import DIRECT
from bot.sandbox.slack.faults import MORE_FAULTS
from tests.explanations.expected import title
from tests.harness import ADMIN, HASTY_SECONDS, OWNER, Harness, open_timed_harness

GET, DELETE, LIST = (f"apps.auth.external.{name}" for name in ("get", "delete", "list"))
FAULTS = ["429", "429-bare", "429-broken", "500", "503", "500-text", "html", "broken-json", "disconnect", "timeout"]
FAULTS = sorted({*FAULTS, *MORE_FAULTS})
SUCCESSES = {("delete", "odd-shape"), ("views.update", "odd-shape"), ("views.update", "odd-ok")}
"""An answer with `ok: true` says that it worked, whatever else is in it, where nothing else is needed."""

Act = Callable[[Harness], Coroutine[None, None, str]]
"""A person's act, which returns the one explanation that they get."""


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    async with open_timed_harness("socket", HASTY_SECONDS, {}) as opened:
        opened.slack.web_api.rate_limits.is_on = False
        for token in opened.state.tokens.values():
            token.value = f"canary-of-{token.token_id}"
        await opened.types("/extauth help")
        yield opened


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Collect the bot's log at DEBUG, as it is written."""
    root, stream = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level)
    logs.configure("DEBUG", "json", stream)
    try:
        yield stream
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])


def _is_told(harness: Harness) -> Callable[[], bool]:
    messages = harness.state.messages
    return lambda: any("The result will appear here." not in repr(message.blocks) for message in messages)


def _explanations(harness: Harness) -> list[str]:
    """Return the person's messages, without those that say it takes longer."""
    read = [harness.read(message) for message in harness.workspace.messages(ADMIN)]
    return [text for text in read if "The result will appear here." not in text]


async def _told(harness: Harness, *, passes: float = 0.0) -> str:
    """Wait for the one explanation; waits of up to `passes` seconds take no time."""
    told = _is_told(harness)
    if passes:
        async with asyncio.timeout(30):
            while not told():
                await asyncio.sleep(0.01)
                harness.clock.advance_to_next(passes)
    else:
        await harness.state.until(told)
    (explanation,) = _explanations(harness)
    return explanation


def _typed(line: str) -> Act:
    """Type a command, and wait for its one explanation."""

    async def type_it(harness: Harness) -> str:
        assert await harness.workspace.command(ADMIN, line)
        return await _told(harness)

    return type_it


_get = _typed("/extauth get EtGoogle0001")
_refresh = _typed("/extauth get EtGoogle0001 --force-refresh")
_delete = _typed("/extauth delete EtGoogle0001 --yes")
_list = _typed("/extauth list")
_open = _typed("/extauth get")


async def _show(harness: Harness) -> str:
    return harness.read(await harness.opens("/extauth get EtGoogle0001 --show"))


async def _open_to_show(harness: Harness) -> str:
    told = await _open(harness)
    assert harness.calls(GET) == []
    return told


async def _update(harness: Harness) -> str:
    """A form's answer goes into the form."""
    fault = harness.slack.web_api.failures.pop("views.update")
    view = await harness.opens_by_shortcut()
    harness.slack.web_api.failures["views.update"] = fault
    await harness.workspace.submit(view, {"external_token_id": "EtGoogle0001"})
    told = await _told(harness, passes=60)
    assert harness.workspace.messages(ADMIN)[0].channel == DIRECT
    return told


async def _ask_anew(harness: Harness) -> str:
    """What Slack said of the person and the workspace is too old."""
    harness.clock.advance(3601)
    return await _get(harness)


async def _answer(harness: Harness) -> str:
    assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001")
    return await _told(harness, passes=RESPONSE_URL_SECONDS)


ROWS: dict[str, tuple[str, Act, tuple[str, ...]]] = {
    "get": (GET, _get, ("Reference",)),
    "refresh": (GET, _refresh, ("Reference",)),
    "show": (GET, _show, ("Reference",)),
    "delete": (DELETE, _delete, ("Reference",)),
    "list": (LIST, _list, ("Reference", "Instead: Type a token's ID")),
    "views.open": ("views.open", _open_to_show, ("Slack didn't open the dialog. Nothing changed.",)),
    "views.update": ("views.update", _update, ("[Show token]",)),
    "response_url": ("response_url", _answer, ("[Show token]",)),
    "users.info": ("users.info", _ask_anew, ("Slack", "permission")),
    "auth.test": ("auth.test", _ask_anew, ("Slack", "permission")),
}


def _start_afresh(harness: Harness) -> None:
    state = harness.state
    state.messages.clear()
    state.views.clear()
    state.traffic.clear()
    state.tokens["EtGoogle0001"].refreshes = 0


@pytest.mark.parametrize("row", ROWS)
async def test_each_broken_answer_ends_in_one_explanation(harness: Harness, row: str) -> None:
    method, act, expected = ROWS[row]
    failures = harness.slack.web_api.failures
    with logged() as output:
        for fault in FAULTS:
            if (row, fault) in SUCCESSES:
                continue
            _start_afresh(harness)
            failures[method] = fault
            told = await act(harness)
            _assert_explained(harness, f"{row}, {fault}", told, expected)
            _assert_sent_once(harness, row, fault)
            failures.clear()
    assert "canary" not in output.getvalue()
    assert "Traceback" not in output.getvalue()


def _assert_explained(harness: Harness, cell: str, told: str, expected: tuple[str, ...]) -> None:
    assert all(words in told for words in expected), f"{cell}: {told}"
    if "[Show token]" not in expected:
        assert "✕ " in told or "⚠ " in told, f"{cell}: {told}"
        assert "canary" not in told, cell
    assert len(_explanations(harness)) + len(harness.state.views.get(ADMIN, [])) <= 1 + ("update" in cell), cell


def _assert_sent_once(harness: Harness, row: str, fault: str) -> None:
    gets, deletes = harness.calls(GET), harness.calls(DELETE)
    # What changes nothing is sent once more when the connection broke.
    may_repeat = row in {"get", "show", "list"} and fault in {"disconnect", "reset"}
    assert len(gets) <= 1 + may_repeat, f"{row}, {fault}: sent {len(gets)} times"
    assert len(deletes) <= 1, f"{row}, {fault}: deleted {len(deletes)} times"
    assert len(harness.calls(LIST)) <= 1 + may_repeat, f"{row}, {fault}: listed more than once"
    if row in {"users.info", "auth.test", "views.open"}:
        assert gets == [], f"{row}, {fault}: sent without permission"


REFUSED = {
    "get EtGoogle0001": title("connection_failed", Operation.GET),
    "get EtGoogle0001 --force-refresh": title("connection_failed", Operation.REFRESH),
    "get EtGoogle0001 --show": "Slack didn't open the dialog.",
    "get": "Slack didn't open the dialog.",
    "delete EtGoogle0001 --yes": title("connection_failed", Operation.DELETE),
    "list": title("connection_failed", Operation.LIST),
}


@pytest.mark.parametrize("looks_anew", [False, True], ids=["", "users.info and auth.test"])
async def test_refused_connections_are_explained_once_slack_is_back(
    looks_anew: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_timed_harness("http", HASTY_SECONDS, {}) as harness:
        await harness.types("/extauth help")
        for line, told in REFUSED.items():
            _start_afresh(harness)
            harness.clock.advance(3601 if looks_anew else 0)
            await harness.slack.stop_listening()
            assert await harness.workspace.command(ADMIN, f"/extauth {line}")
            while "an answer couldn't be posted yet" not in caplog.messages:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            caplog.clear()
            await harness.slack.listen()
            explanation = await _told(harness, passes=60)
            assert ("permission" if looks_anew else told) in explanation, line
            assert harness.calls(GET) + harness.calls(DELETE) + harness.calls(LIST) == []


async def test_what_was_done_is_on_record_once(harness: Harness) -> None:
    for fault in ("500", "empty", "truncated", "disconnect"):
        _start_afresh(harness)
        harness.slack.web_api.failures[DELETE] = fault
        await _delete(harness)
    harness.slack.web_api.failures.clear()
    history = harness.read(await harness.types("/extauth history", OWNER))
    assert sum("· delete" in line for line in history.splitlines()) == 4


async def test_who_cannot_be_reached_at_all_is_logged_once(harness: Harness) -> None:
    for fault in ("429", "500", "html", "disconnect", "reset"):
        _start_afresh(harness)
        failures = harness.slack.web_api.failures
        failures |= dict.fromkeys(("response_url", "chat.postEphemeral", "chat.postMessage"), fault)
        with logged() as output:
            assert await harness.workspace.command(ADMIN, "/extauth get EtGoogle0001")
            async with asyncio.timeout(30):
                while '"an answer couldn\'t be posted"' not in output.getvalue() and not harness.state.messages:
                    await asyncio.sleep(0.01)
                    harness.clock.advance_to_next(RESPONSE_URL_SECONDS)
        failures.clear()
        assert "canary" not in output.getvalue()
        assert len(harness.calls(GET)) == 1
