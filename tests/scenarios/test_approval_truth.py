"""Approvals where the database, the bot, or Slack gives way: at most one deletion, and everybody hears the truth."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.access import APPROVAL_SECONDS
from bot.audit.keys import vault_of
from bot.background.tasks import SWEEP_SECONDS
from bot.jobs.approval import GRACE_SECONDS
from bot.settings import Transport
from tests.audit_log import KEY
from tests.harness import ADMIN, MEMBER, OWNER, Harness, open_harness
from tests.scenarios.test_approval import DELETE, MANY, SETTINGS, current, open_bulk, posts, pressed, request, told


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
async def bulk(transport: Transport, database: Path) -> AsyncIterator[Harness]:
    async with open_bulk(transport, DATABASE_URL=f"sqlite:///{database}") as opened:
        yield opened


def write(database: Path, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Do what somebody does who can write the database."""
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def fails_when(database: Path, table: str, event: str, condition: str) -> None:
    """Make the database refuse one kind of write."""
    write(
        database,
        f"CREATE TRIGGER broken BEFORE {event} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'broken'); END",
    )


async def test_a_request_that_is_out_is_told_as_such_though_the_database_fails_then(
    bulk: Harness, database: Path
) -> None:
    view = await bulk.opens(f"/extauth {MANY}")
    fails_when(database, "audit_records", "INSERT", "new.outcome = 'requested'")
    await bulk.workspace.submit(view, {"typed_count": "delete 2 tokens"})
    await bulk.state.until(lambda: "Waiting for approval" in bulk.read(view))
    write(database, "DROP TRIGGER broken")
    bulk.clock.advance(5)
    (post,) = posts(bulk)
    await pressed(bulk, post, OWNER, "Approve")
    await bulk.state.until(lambda: "2 of 2 tokens deleted" in bulk.read(view))
    bulk.workspace.close(view)
    history = bulk.read(await bulk.types("/extauth history")).replace("`", "")
    assert "request tokens 2 · requested" in history


async def test_an_approval_that_cannot_be_recorded_deletes_nothing(bulk: Harness, database: Path) -> None:
    post = await request(bulk)
    fails_when(database, "audit_records", "INSERT", "new.outcome = 'approved'")
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, OWNER, "Extauth can't use its database")
    write(database, "DROP TRIGGER broken")
    bulk.clock.advance(APPROVAL_SECONDS + 2 * SWEEP_SECONDS)
    await told(bulk, ADMIN, "Your deletion didn't start")
    assert bulk.calls(DELETE) == []


async def test_a_deletion_whose_end_cannot_be_kept_is_told_as_it_was(bulk: Harness, database: Path) -> None:
    post = await request(bulk, "delete --provider-key google")
    fails_when(database, "batches", "UPDATE", "new.state = 'ended'")
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, ADMIN, "✓ Deleted from Slack  all google tokens")
    await bulk.state.until(lambda: "✓ Deleted, approved by" in current(bulk, post))
    assert not bulk.workspace.messages(OWNER)


@pytest.mark.parametrize(
    ("fault", "said"), [("internal_error", "⚠ May or may not be deleted"), ("invalid_auth", "✕ Not deleted")]
)
async def test_the_channel_does_not_say_more_than_slack_did(bulk: Harness, fault: str, said: str) -> None:
    post = await request(bulk, "delete --provider-key google")
    bulk.slack.web_api.failures[DELETE] = fault
    await pressed(bulk, post, OWNER, "Approve")
    await bulk.state.until(lambda: f"{said}, approved by" in current(bulk, post))


async def test_a_deletion_that_is_not_on_record_yet_is_not_called_undone(bulk: Harness, database: Path) -> None:
    post = await request(bulk, "delete --provider-key google")
    fails_when(database, "audit_records", "INSERT", "new.outcome = 'deleted'")
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, ADMIN, "Deleted from Slack, but not recorded")
    await bulk.state.until(lambda: "✓ Deleted, approved by" in current(bulk, post))


async def test_the_hour_begins_when_approval_is_asked_for(bulk: Harness) -> None:
    view = await bulk.opens(f"/extauth {MANY}")
    bulk.clock.advance(APPROVAL_SECONDS + GRACE_SECONDS)
    await bulk.workspace.submit(view, {"typed_count": "delete 2 tokens"})
    await bulk.state.until(lambda: "Waiting for approval" in bulk.read(view))
    bulk.clock.advance(SWEEP_SECONDS)
    assert "Waiting for approval" in bulk.read(view)
    await pressed(bulk, posts(bulk)[0], OWNER, "Approve")
    await bulk.state.until(lambda: "2 of 2 tokens deleted" in bulk.read(view))


async def test_who_asked_hears_of_a_refusal_though_the_bot_was_killed_over_it(bulk: Harness, database: Path) -> None:
    post = await request(bulk)
    # What a bot leaves that is killed right after it kept the refusal.
    write(database, "UPDATE batches SET state = 'declined'")
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, OWNER, "Somebody else has decided already.")
    bulk.clock.advance(APPROVAL_SECONDS + GRACE_SECONDS + SWEEP_SECONDS)
    await told(bulk, ADMIN, "✕ Your deletion was declined")
    await bulk.state.until(lambda: "Declined. Nothing was deleted." in current(bulk, post))
    assert bulk.calls(DELETE) == []


@pytest.mark.parametrize("state", ["confirming", "approved", "running", "stopping", "declined", "expired", "ended"])
async def test_no_state_in_the_database_stands_for_a_click(state: str, bulk: Harness, database: Path) -> None:
    post = await request(bulk)
    write(database, "UPDATE batches SET state = ?", state)
    bulk.clock.advance(SWEEP_SECONDS)
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, OWNER, "Somebody else has decided already.")
    assert bulk.calls(DELETE) == []


async def test_putting_a_row_back_does_not_repeat_a_deletion(bulk: Harness, database: Path) -> None:
    post = await request(bulk)
    (asked,) = write(database, "SELECT state, content FROM batches")
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, ADMIN, "✓ 2 of 2 tokens deleted")
    write(database, "UPDATE batches SET state = ?, content = ?", *asked)
    await pressed(bulk, post, OWNER, "Approve")
    await bulk.types("/extauth help", OWNER)
    assert len(bulk.calls(DELETE)) == 2


@pytest.mark.parametrize("first", ["Approve", "Decline"])
async def test_putting_a_row_back_does_not_reopen_a_decision(bulk: Harness, database: Path, first: str) -> None:
    post = await request(bulk)
    (asked,) = write(database, "SELECT state, content FROM batches")
    await pressed(bulk, post, OWNER, first)
    await told(bulk, ADMIN, "✓ 2 of 2 tokens deleted" if first == "Approve" else "✕ Your deletion was declined")
    write(database, "UPDATE batches SET state = ?, content = ?", *asked)
    bulk.state.people[MEMBER].is_admin = True
    await pressed(bulk, post, MEMBER, "Approve")
    await told(bulk, MEMBER, "Somebody else has decided already.")
    assert len(bulk.calls(DELETE)) == (2 if first == "Approve" else 0)


@pytest.mark.parametrize("hidden", ["action = 'x'", "reference = 'x'", "kind = 'denied'", "team_id = 'x'"])
async def test_a_decision_that_is_hidden_for_a_moment_stays_one(bulk: Harness, database: Path, hidden: str) -> None:
    post = await request(bulk)
    (asked,) = write(database, "SELECT state, content FROM batches")
    await pressed(bulk, post, OWNER, "Decline")
    await told(bulk, ADMIN, "✕ Your deletion was declined")
    write(database, "UPDATE batches SET state = ?, content = ?", *asked)
    write(database, f"UPDATE audit_records SET {hidden} WHERE action IN ('decline', 'request')")
    bulk.state.people[MEMBER].is_admin = True
    await pressed(bulk, post, MEMBER, "Approve")
    await told(bulk, MEMBER, "Extauth can't use its database")
    assert bulk.calls(DELETE) == []


async def test_a_clock_that_is_set_back_prolongs_no_request(bulk: Harness) -> None:
    post = await request(bulk)
    bulk.clock.advance(APPROVAL_SECONDS - 60)
    bulk.clock.set_back(10 * 3600)
    bulk.clock.advance(61)
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, OWNER, "This request expired. Nothing was deleted.")
    assert bulk.calls(DELETE) == []


async def test_a_row_under_another_id_is_not_what_the_button_shows(bulk: Harness, database: Path) -> None:
    post = await request(bulk)
    await request(bulk, "delete --provider-key google")
    await bulk.state.until(lambda: len(posts(bulk)) == 2)
    first, second = write(database, "SELECT id, content FROM batches ORDER BY rowid")
    write(database, "UPDATE batches SET content = ? WHERE id = ?", second[1], first[0])
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, OWNER, "Extauth doesn't have this request any more.")
    assert bulk.calls(DELETE) == []


def _has_messages(harness: Harness, count: int) -> bool:
    return len(harness.workspace.messages(OWNER)) == count


async def test_even_who_has_the_key_cannot_change_what_is_approved(bulk: Harness, database: Path) -> None:
    post = await request(bulk)
    ((content,),) = write(database, "SELECT content FROM batches")
    box = vault_of([SecretStr(KEY)]).box("batch")
    known = box.decrypt(content)
    assert known is not None
    for number, (old, new) in enumerate((("EtGitHub0001", "EtOther00001"), (ADMIN, MEMBER)), start=1):
        forged = box.encrypt(SecretStr(known.get_secret_value().replace(old, new)))
        write(database, "UPDATE batches SET content = ?", forged)
        await pressed(bulk, post, OWNER, "Approve")
        await bulk.state.until(partial(_has_messages, bulk, number))
        assert "doesn't have this request any more" in bulk.read(bulk.workspace.messages(OWNER)[-1])
    assert bulk.calls(DELETE) == []


async def test_where_approvals_are_off_a_button_that_is_left_does_nothing(transport: Transport) -> None:
    async with open_harness(transport, **SETTINGS, EXTAUTH_DELETE_APPROVAL="bulk") as harness:
        post = await request(harness)
    async with open_harness(transport, **SETTINGS) as off:
        off.state.posts.append(post)
        await pressed(off, post, OWNER, "Approve")
        await told(off, OWNER, "Deletions need no approval any more")
        assert off.calls(DELETE) == []
