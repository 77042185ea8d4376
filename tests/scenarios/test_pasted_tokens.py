"""A token pasted where an ID belongs goes nowhere, whichever way it comes in."""

import json
import logging
import re
from collections.abc import Callable, Coroutine
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Transport
from tests.harness import ADMIN, Harness, open_harness

Way = Callable[[Harness, str], Coroutine[Any, Any, None]]
SECRET = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2eF4hJ6kL8nP0rS"
PASTED = [f"xoxb-123456789012-{SECRET}", f"ya29.a0{SECRET}", f"ghp_{SECRET[:36]}", f"eyJ{SECRET}.eyJ{SECRET}.{SECRET}"]
"""Every format is tried with the grammar in `tests/commands/` and with the forms in `tests/modals/`."""


def typed(line: str) -> Way:
    async def way(harness: Harness, token: str) -> None:
        harness.state.messages.clear()
        assert await harness.workspace.command(ADMIN, f"/extauth {line.replace('TOKEN', token)}")
        await harness.state.until(lambda: bool(harness.workspace.messages(ADMIN)))
        read = harness.read(harness.workspace.messages(ADMIN)[-1])
        assert re.match(r"✕ That looks like an? .*, not an ID", read), read
        assert "No request was sent to Slack" in read

    return way


def filled(line: str, *fields: str, **others: Any) -> Way:
    async def way(harness: Harness, token: str) -> None:
        for field in fields:
            view = await harness.opens(line)
            await harness.workspace.submit(view, {field: token, **others})
            await harness.state.until(lambda view=view: bool(view.errors))  # type: ignore[misc]
            assert "This looks like a" in view.errors[field]
            assert "revoke it" in view.errors[field]
            harness.workspace.close(view)

    return way


def filled_without_list(line: str, *fields: str) -> Way:
    async def way(harness: Harness, token: str) -> None:
        harness.slack.web_api.failures["apps.auth.external.list"] = "not_allowed_token_type"
        await harness.types("/extauth list")
        await filled(line, *fields)(harness, token)

    return way


async def switched(harness: Harness, token: str) -> None:
    """Pasted into the menu's field, then the other operation chosen."""
    view = await harness.opens_by_shortcut()
    await harness.workspace.type_into(view, "external_token_id", token)
    before = view.hash
    await harness.workspace.choose(view, "choice", "delete")
    await harness.state.until(lambda: view.hash != before)
    await harness.workspace.submit(view, {"external_token_id": token})
    await harness.state.until(lambda: bool(view.errors))
    harness.workspace.close(view)


async def confirmed(harness: Harness, token: str) -> None:
    """Pasted where the name of what goes is to be typed."""
    view = await harness.opens("/extauth delete --provider-key google")
    await harness.workspace.submit(view, {"typed_name": token})
    await harness.state.until(lambda: bool(view.errors))
    harness.workspace.close(view)


WAYS: dict[str, Way] = {
    "alone": typed("TOKEN"),
    "get": typed("get TOKEN"),
    "get --show": typed("get TOKEN --show"),
    "get, second word": typed("get Et1 TOKEN"),
    "get, named": typed("get external_token_id=TOKEN"),
    "get, as an option": typed("get --TOKEN"),
    "get, as a flag's value": typed("get Et1 --force-refresh=TOKEN"),
    "delete": typed("delete TOKEN"),
    "delete --yes": typed("delete TOKEN --yes"),
    "delete, provider": typed("delete --provider-key TOKEN"),
    "delete, app": typed("delete --app-id=TOKEN"),
    "history": typed("history TOKEN"),
    "history, person": typed("history @TOKEN"),
    "history, provider": typed("history --provider-key=TOKEN"),
    "help": typed("help TOKEN"),
    "mistyped": typed("gte TOKEN --shwo"),
    "get modal": filled("/extauth get", "external_token_id"),
    "delete modal": filled("/extauth delete", "external_token_id", "provider_key", "app_id"),
    "get modal, without a list": filled_without_list("/extauth get", "external_token_id"),
    "menu": switched,
    "confirmation": confirmed,
}


def read_all(folder: Path) -> str:
    """Return the contents of a folder's files."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file()).decode("latin-1")


@pytest.mark.parametrize(("way", "token"), [*zip(WAYS, cycle(PASTED), strict=False)])
async def test_no_known_token_is_sent_stored_logged_or_shown(
    way: str, token: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    url = f"sqlite:///{tmp_path}/audit.db"
    async with open_harness("socket", DATABASE_URL=url, EXTAUTH_AUDIT_CHANNEL="C0AUDIT") as harness:
        await WAYS[way](harness, token)
        sent = json.dumps([exchange.body for exchange in harness.state.traffic if exchange.direction == "bot"])
        shown = json.dumps([message.blocks for message in harness.state.messages])
        stored = read_all(tmp_path)
    for where in (sent, stored, shown, caplog.text):
        assert SECRET[:36] not in where
    assert harness.calls("apps.auth.external.get") == harness.calls("apps.auth.external.delete") == []


LONG = "Zm9v" + "aZ4" * 20


@pytest.mark.parametrize(
    "line",
    [
        *("{}", "get {}", "get Et1 {}", "get --{}", "get Et1 --show={}", "history {}", "delete {} --yes", "delete {}"),
        *("gte {}", "get {} --shwo", "delte --app {}"),
    ],
)
async def test_what_is_no_known_token_is_only_quoted(transport: Transport, line: str) -> None:
    async with open_harness(transport, EXTAUTH_AUDIT_CHANNEL="C0AUDIT") as harness:
        assert await harness.workspace.command(ADMIN, f"/extauth {line.format(LONG)}")
        await harness.state.until(
            lambda: bool(harness.workspace.messages(ADMIN)) or harness.workspace.dialog(ADMIN) is not None
        )
        for exchange in harness.state.traffic:
            if exchange.direction == "bot" and not exchange.kind.startswith("apps.auth.external."):
                assert LONG not in json.dumps(exchange.body), exchange.kind
        history = harness.read(await harness.types("/extauth history"))
        assert LONG not in history
        if line in {"get {}", "delete {} --yes"}:
            assert "Zm9v… (64 characters)" in history


async def test_a_deletion_of_what_is_not_an_id_is_typed_again(harness: Harness) -> None:
    view = await harness.opens(f"/extauth delete {LONG}")
    assert "Delete the token Zm9v… (64 characters)?" in harness.read(view)
    assert LONG not in json.dumps(view.content)

    await harness.submits(view, typed_name="something else")
    assert "Nothing was deleted" in view.errors["typed_name"]
    await harness.sends(view, typed_name=LONG)
    assert harness.calls("apps.auth.external.delete") == [{"external_token_id": LONG}]


async def test_a_failure_of_what_is_not_an_id_has_no_button_to_carry_it(harness: Harness) -> None:
    harness.slack.web_api.failures["apps.auth.external.get"] = "internal_error"
    assert "[Try again]" in harness.read(await harness.types("/extauth get Et1"))
    assert "[Try again]" not in harness.read(await harness.types(f"/extauth get {LONG}"))


async def test_a_bulk_deletion_with_two_odd_names_has_both_typed_again(harness: Harness) -> None:
    view = await harness.opens(f"/extauth delete --provider-key {LONG} --app-id {LONG}x")
    await harness.submits(view, typed_name=LONG, typed_app_id="wrong")
    assert set(view.errors) == {"typed_app_id"}
    await harness.sends(view, typed_name=LONG, typed_app_id=f"{LONG}x")
    assert harness.calls("apps.auth.external.delete") == [{"provider_key": LONG, "app_id": f"{LONG}x"}]
