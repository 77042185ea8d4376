"""The settings of a workspace, changed by its admins from the App Home."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select

from bot.app import Storage
from bot.audit.entries import Entry, Filters
from bot.operation import Operation
from bot.sandbox.slack.state import OpenView, Person
from bot.settings import Transport
from bot.storage.tables import workspace_settings
from bot.workspaces.registry import FRESH_SECONDS
from tests import drawing, installing
from tests.audit_log import change, read_rows, run
from tests.explanations.expected import title
from tests.harness import ADMIN, GUEST, MEMBER, OWNER, Harness, over_both_transports
from tests.installed import TEAM, install, open_many

CANARY = "xoxp-canary-1234567890"
STRANGER = "U0STRANGER"


@dataclass
class Served:
    harness: Harness
    storage: Storage
    url: str

    async def home(self, user: str = ADMIN) -> str:
        before = self.harness.state.homes.get(user)
        assert await self.harness.workspace.open_home(user)
        await self.harness.state.until(lambda: self.harness.state.homes.get(user) is not before)
        blocks = self.harness.state.homes[user].content["blocks"]
        return "\n".join(line for block in blocks for line in drawing.block_lines(block))

    async def opens(self, user: str = ADMIN) -> OpenView:
        assert "[Settings…]" in await self.home(user)
        assert await self.harness.workspace.press_in_dialog(self.harness.state.homes[user], "Settings…")
        await self.harness.state.until(lambda: self.harness.workspace.dialog(user) is not None)
        return await self.harness.dialog(user)

    async def saves(self, view: OpenView, **filled: Any) -> str:
        return self.harness.read(await self.harness.submits(view, **filled))

    async def changes(self, user: str = ADMIN, **filled: Any) -> str:
        view = await self.opens(user)
        said = await self.saves(view, **filled)
        self.harness.workspace.close(view)
        return said

    async def entries(self) -> list[Entry]:
        return [*reversed(await self.storage.audit_log.newest(100, Filters(action="settings")))]

    def posts(self) -> list[str]:
        return [post["text"] for post in self.harness.calls("chat.postMessage") if post["channel"] == "C0AUDIT"]


def contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.iterdir()]


@pytest.fixture
async def served(transport: Transport, tmp_path: Path) -> AsyncIterator[Served]:
    async with open_many(transport, tmp_path) as (harness, storage):
        yield Served(harness, storage, f"sqlite:///{tmp_path}/many.db")


@over_both_transports
@pytest.mark.parametrize("user", [ADMIN, OWNER])
async def test_admins_and_owners_change_who_can_do_what(served: Served, user: str) -> None:
    harness = served.harness
    assert "You don't have permission" in harness.read(await harness.types("/extauth get EtGoogle0001", MEMBER))

    said = await served.changes(user, get_allow="none", get_allow_users=[MEMBER], contact="https://help.example.com")

    assert "✓ The settings are saved" in said
    assert "• Who can fetch tokens" in said
    assert "• Whom people ask for help" in said
    assert "delete" not in said
    assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001", MEMBER))
    denied = harness.read(await harness.types("/extauth get EtGoogle0001", user))
    assert f"Only @{MEMBER} can" in denied
    (entry,) = await served.entries()
    assert (entry.user_id, entry.team_id, entry.outcome) == (user, TEAM, "saved")
    assert entry.parameters == {"contact": "changed", "get_allow": "changed", "version": "1", "workspace": TEAM}


@pytest.mark.parametrize("user", [MEMBER, GUEST, STRANGER])
async def test_nobody_else_can_open_them_and_lists_change_nothing_about_that(served: Served, user: str) -> None:
    harness = served.harness
    harness.state.people[STRANGER] = Person(STRANGER, "Sam", is_admin=True, team_id="T0OTHER")
    await served.changes(get_allow="members", get_allow_users=[MEMBER], delete_allow="members")
    await served.opens(OWNER)
    button = harness.state.homes[OWNER]
    assert "[Settings…]" not in await served.home(user)

    harness.state.homes[user] = OpenView("V1", user, button.content, button.hash)
    assert await harness.workspace.press_in_dialog(harness.state.homes[user], "Settings…")
    await harness.state.until(lambda: harness.workspace.dialog(user) is not None)

    assert "You don't have permission to change Extauth's settings" in harness.read(await harness.dialog(user))
    assert [entry.outcome for entry in await served.entries()] == ["saved", "denied"]


async def test_who_is_no_admin_any_more_when_they_save_changes_nothing(served: Served) -> None:
    view = await served.opens()
    served.harness.demote(ADMIN)
    assert "You don't have permission to change" in await served.saves(view, get_allow="members")
    assert "You don't have permission" in served.harness.read(await served.harness.types("/extauth get Et1", MEMBER))


async def test_who_locks_everybody_out_can_let_them_in_again(served: Served) -> None:
    everything = ("get_allow", "delete_allow", "list_allow", "history_allow")
    await served.changes(**dict.fromkeys(everything, "none"))
    harness = served.harness

    denied = harness.read(await harness.types("/extauth get EtGoogle0001"))
    assert "By this workspace's settings, nobody can. Its admins can change that." in denied
    assert "By this workspace's settings, nobody can." in await served.home()

    await served.changes(get_allow="admins")
    assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001"))


async def test_an_api_token_is_tried_used_and_shown_to_nobody(
    served: Served, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    harness = served.harness
    harness.state.api_tokens = {CANARY}

    async def gets() -> str:
        return harness.read(await harness.types("/extauth get EtGoogle0001"))

    assert title("not_allowed_token_type", Operation.GET) in await gets()
    assert "• The API token" in await served.changes(api_token=CANARY)
    assert "[Show token]" in await gets()

    view = await served.opens()
    assert "A token is set. Enter another to replace it." in harness.read(view)
    assert CANARY not in repr(view.content)
    assert "saved" in await served.saves(view, remove_api_token=["yes"])
    harness.workspace.close(view)
    assert title("not_allowed_token_type", Operation.GET) in await gets()
    assert [entry.parameters["api_token"] for entry in await served.entries()] == ["changed", "removed"]
    assert "canary" not in caplog.text
    assert all(b"canary" not in content for content in contents(tmp_path))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, "Slack doesn't accept this API token (invalid_auth). Copy it again. Nothing is saved yet."),
        ("ratelimited", "Slack couldn't check this API token (ratelimited). Try again in a minute."),
        ("503", "Slack didn't answer, so the API token couldn't be checked."),
    ],
)
async def test_a_token_that_slack_does_not_take_is_explained_and_the_rest_stays_filled_in(
    served: Served, code: str | None, said: str
) -> None:
    view = await served.opens()
    if code is not None:
        served.harness.slack.web_api.failures["auth.test"] = code

    shown = await served.saves(view, api_token=CANARY, contact="U0OWNER", get_allow="owners")

    assert said in shown
    assert "Enter the API token again: it wasn't kept." in shown
    assert "U0OWNER" in shown
    assert CANARY not in repr(view.content)
    assert (await served.entries())[0].outcome == "failed"
    served.harness.slack.web_api.failures.clear()
    assert "• Whom people ask for help" in await served.saves(view)


@pytest.mark.parametrize(
    ("filled", "field", "said"),
    [
        ({"api_token": "xapp-1-canary"}, "api_token", "This is an app-level token. Enter a user token (xoxp-…)"),
        ({"api_token": "xoxe-1-canary"}, "api_token", "This is a refresh token."),
        ({"api_token": "ghp_canary0123456789"}, "api_token", "This isn't a token of Slack's."),
        ({"api_token": "xoxp canary"}, "api_token", "This isn't a whole token."),
        ({"contact": "the canary"}, "contact", "Enter an ID such as U012ABCDEF, or a link"),
        ({"get_allow_groups": "S1 nonsense"}, "get_allow_groups", "Enter user group IDs such as S012ABCDEF"),
        ({"delete_approval": "all"}, "delete_approval", "Nobody could be asked."),
    ],
)
async def test_what_cannot_be_meant_is_said_beside_its_field_and_holds_no_token(
    served: Served, filled: dict[str, Any], field: str, said: str
) -> None:
    view = await served.opens()
    assert await served.harness.workspace.submit(view, filled)
    assert said in view.errors[field]
    assert "canary" not in repr(view.errors)
    assert await served.entries() == []


async def test_the_second_of_two_who_save_is_told_and_nothing_is_lost(served: Served) -> None:
    first, second = await served.opens(ADMIN), await served.opens(OWNER)
    assert "saved" in await served.saves(first, contact="U0ADMIN", get_allow="owners")

    said = await served.saves(second, contact="U0OWNER", list_allow="members")

    assert "Somebody else changed the settings meanwhile." in said
    assert "You both changed whom people ask for help: saving replaces theirs." in said
    assert "• Who can list connected accounts" in await served.saves(second)
    kept = (await served.storage.settings_store.read(TEAM)).decided
    assert kept["contact"] == "U0OWNER"
    assert kept["get_allow"]["roles"] == ["owners"]
    assert kept["list_allow"]["roles"] == ["members"]
    assert [entry.code for entry in await served.entries()] == [None, "changed_meanwhile", None]


async def test_the_audit_channel_hears_of_it_and_so_does_the_one_before(served: Served) -> None:
    said = await served.changes(audit_channel="C0AUDIT")
    assert "<#C0AUDIT>" in repr(served.harness.state.traffic[-1].body) or "C0AUDIT" in said
    await served.harness.passes_time(lambda: len(served.posts()) == 1)
    assert f"<@{ADMIN}> · settings audit_channel `changed` · saved" in served.posts()[0]
    await served.changes(audit_channel="")
    await served.harness.passes_time(lambda: any("saved" in post for post in served.posts()[1:]))


async def test_approval_is_asked_for_once_it_is_set(served: Served) -> None:
    await served.changes(delete_approval="all", audit_channel="C0AUDIT")
    harness = served.harness
    message = await harness.types("/extauth delete EtGoogle0001 --yes")
    assert "approv" in harness.read(message)
    assert harness.calls("apps.auth.external.delete") == []


async def test_nothing_changed_is_said(served: Served) -> None:
    assert "Nothing changed" in await served.changes()
    assert await served.entries() == []


async def test_what_another_process_saved_counts_within_seconds(served: Served) -> None:
    harness = served.harness
    assert "You don't have permission" in harness.read(await harness.types("/extauth get EtGoogle0001", MEMBER))
    members = {"roles": ["members"], "users": [], "groups": []}
    assert await served.storage.settings_store.write(TEAM, {"get_allow": members}, 0)
    harness.clock.advance(FRESH_SECONDS)
    assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001", MEMBER))


async def test_settings_that_were_altered_serve_nobody(served: Served) -> None:
    await served.changes(get_allow="members")
    await change(served.url, "UPDATE workspace_settings SET content = 'nonsense'")
    served.harness.clock.advance(FRESH_SECONDS)
    message = await served.harness.types("/extauth get EtGoogle0001", MEMBER)
    assert "Extauth can't use its database" in served.harness.read(message)
    assert served.harness.calls("apps.auth.external.get") == []


@pytest.mark.parametrize("back", ["an old row", "no row"])
async def test_old_settings_that_are_put_back_serve_nobody(served: Served, tmp_path: Path, back: str) -> None:
    harness, table = served.harness, workspace_settings
    await served.changes(get_allow="members")
    assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001", MEMBER))
    (old,) = await read_rows(served.url, select(table)) if back == "an old row" else [None]
    await served.changes(get_allow="admins")
    await change(served.url, "DELETE FROM workspace_settings")
    if old is not None:
        await run(served.url, lambda connection: connection.execute(insert(table), dict(old)))
    harness.clock.advance(FRESH_SECONDS)
    assert "can't use its database" in harness.read(await harness.types("/extauth get EtGoogle0001", MEMBER))


async def test_who_installs_again_begins_with_what_the_operator_decided(served: Served) -> None:
    harness = served.harness
    await served.changes(get_allow="members", api_token=harness.state.bot_token)
    assert await served.storage.installations.remove(TEAM, SecretStr(harness.state.bot_token))
    await install(served.storage, harness.state.bot_token)
    harness.clock.advance(FRESH_SECONDS)
    assert "You don't have permission" in harness.read(await harness.types("/extauth get EtGoogle0001", MEMBER))
    await served.changes(get_allow="members")
    assert "[Show token]" in harness.read(await harness.types("/extauth get EtGoogle0001", MEMBER))
    assert [entry.parameters["version"] for entry in await served.entries()] == ["1", "2"]


async def test_where_the_operator_decides_there_is_no_button_and_a_forged_one_does_nothing(harness: Harness) -> None:
    assert await harness.workspace.open_home(ADMIN)
    await harness.state.until(lambda: ADMIN in harness.state.homes)
    home = harness.state.homes[ADMIN]
    labels = [element for block in home.content["blocks"] for element in block.get("elements", [])]
    buttons = [element for element in labels if element["type"] == "button"]
    assert "Settings…" not in [button["text"]["text"] for button in buttons]
    buttons[0]["action_id"] = "open_settings"
    assert await harness.workspace.press_in_dialog(home, buttons[0]["text"]["text"])
    await harness.state.until(lambda: harness.workspace.dialog(ADMIN) is not None)
    assert "older version" in harness.read(await harness.dialog())


async def test_each_workspace_has_its_own_settings(transport: Transport, tmp_path: Path) -> None:
    async with installing.open_many(transport, f"sqlite:///{tmp_path}/audit.db") as many:
        for place in (installing.ONE, installing.TWO):
            await many.install(place)
        one, two = many.people_of(installing.ONE), many.people_of(installing.TWO)
        for people, user in ((one, MEMBER), (two, MEMBER)):
            assert "You don't have permission" in people.read(await people.types("/extauth get EtGoogle0001", user))
        assert await one.workspace.open_home(ADMIN)
        await one.state.until(lambda: ADMIN in one.state.homes)
        assert await one.workspace.press_in_dialog(one.state.homes[ADMIN], "Settings…")
        await one.state.until(lambda: one.workspace.dialog(ADMIN) is not None)
        view = await one.dialog()
        said = one.read(await one.submits(view, get_allow="members", api_token=next(iter(two.state.grants))))
        assert "This API token belongs to another workspace." in said
        assert "saved" in one.read(await one.submits(view, get_allow="members"))
        assert "[Show token]" in one.read(await one.types("/extauth get EtGoogle0001", MEMBER))
        many.clock.advance(FRESH_SECONDS)
        assert "You don't have permission" in two.read(await two.types("/extauth get EtGoogle0001", MEMBER))
