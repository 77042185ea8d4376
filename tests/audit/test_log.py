"""What is appended to the audit log, and pruned from it, and what happens where the database fails."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.audit.entries import AuditResult, Filters
from bot.audit.log import RETRY_SECONDS, AuditLog
from bot.slack.external_auth.models import GetToken
from bot.storage.engine import DatabaseError
from bot.storage.tables import audit_records
from tests.audit_log import (
    GET,
    TOKEN,
    actor,
    change,
    checked,
    configured,
    emptied,
    locked,
    open_audit_log,
    read_rows,
    until,
    write,
)
from tests.manual_clock import ManualClock


async def test_a_pasted_token_is_not_kept(audit: AuditLog) -> None:
    await audit.attempt(actor(), GetToken("Zm9v" * 15, True))
    kept = (await audit.newest(1, Filters()))[0].parameters
    assert kept == {"external_token_id": "Zm9v… (60 characters)", "force_refresh": True}


async def test_a_log_whose_head_was_altered_is_neither_read_nor_written(audit: AuditLog, url: str) -> None:
    await write(audit)
    await change(url, "UPDATE audit_heads SET number = 4")
    says = "the audit log's head was altered"
    with pytest.raises(DatabaseError, match=says):
        await audit.attempt(actor(), GET)
    with pytest.raises(DatabaseError, match=says):
        await audit.newest(1, Filters())
    with pytest.raises(DatabaseError, match=says):
        await audit.find_token(TOKEN)
    with pytest.raises(DatabaseError, match=says):
        await audit.prune(0)
    with pytest.raises(DatabaseError, match=says):
        (await audit.checkpoints())[0]


async def test_no_entry_that_is_dated_ahead_keeps_older_ones(audit: AuditLog, clock: ManualClock) -> None:
    await write(audit, 1)
    clock.advance(10 * 365 * 24 * 3600)
    await write(audit, 1)
    clock.set_back(10 * 365 * 24 * 3600)
    await write(audit, 2)
    clock.advance(1000)
    cut = clock.now() - 500
    await write(audit, 1)
    assert (await audit.count_before(cut))[0] == 4
    assert await audit.prune(cut) == 4
    assert (await checked(audit))[2] is None


async def test_no_clock_that_was_set_back_for_a_moment_prunes_what_is_young(
    audit: AuditLog, clock: ManualClock
) -> None:
    await write(audit, 2)
    clock.set_back(10 * 365 * 24 * 3600)
    await write(audit, 1)
    clock.advance(10 * 365 * 24 * 3600)
    assert await audit.count_before(clock.now() - 3600) == (0, None)
    assert await audit.prune(clock.now() - 3600) == 0


async def test_time_goes_on_from_where_the_log_was_whatever_the_clock_says(
    audit: AuditLog, url: str, clock: ManualClock
) -> None:
    await write(audit, 1)
    before = clock.now()
    clock.set_back(36_000)
    async with open_audit_log(configured(url), clock) as restarted:
        assert await restarted.now("T1") == pytest.approx(before, abs=0.001)
        clock.advance(100)
        assert await restarted.now("T1") == pytest.approx(before + 100, abs=0.001)
        assert await restarted.now("T2") == clock.now(), "another workspace's clock may have been right"
        clock.advance(40_000)
        assert await restarted.now("T1") == pytest.approx(before + 40_100, abs=0.001)


async def test_pruning_says_what_went_and_the_rest_verifies(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await write(audit)
    first = clock.now()
    clock.advance(1000)
    cut = clock.now() - 1
    await write(audit, 1)

    count, oldest = await audit.count_before(cut)
    assert count == 3
    assert oldest == pytest.approx(first, abs=0.001)
    assert await audit.prune(cut) == 3
    assert await audit.prune(cut) == 0
    assert await audit.count_before(cut) == (0, None)

    assert await checked(audit) == (3, 4, None)
    pruned, kept = await audit.newest(10, Filters(team_id="T1"))
    assert (pruned.action, pruned.outcome, pruned.user_id, pruned.reference) == ("prune", "pruned", None, "")
    assert pruned.parameters == {"entries": "3", "through": "6", "before": f"{cut:.0f}"}
    assert kept.user_id == "U0"

    clock.advance(1000)
    await write(audit, 1)
    assert await audit.prune(clock.now() - 1) == 2
    assert await checked(audit) == (3, 4, None)
    assert await audit.prune(clock.now() + 10) == 2
    assert await checked(audit) == (2, 2, None)
    await change(url, "UPDATE audit_records SET number = 3 WHERE number = 13")
    assert (await checked(audit))[2] is not None


async def test_a_column_may_hold_anything_in_sqlite(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    async with open_audit_log(configured(url), clock) as audit:
        await write(audit)
        await change(url, "UPDATE audit_records SET user_id = x'00' WHERE number = 1 AND chain = 'T1'")
        assert [entry.user_id for entry in await audit.newest(10, Filters(team_id="T1"))] == ["U2", "U1"]
        assert (await audit.verify(lambda _: None)).problem == "T1: Row 1 was altered."
        for altered in ("mac = 'é'", "hash = x'00'"):
            await change(url, f"UPDATE audit_heads SET {altered}")
            with pytest.raises(DatabaseError, match="head was altered"):
                await write(audit)
            assert (await audit.verify(lambda _: None)).problem == "The head of the log was altered."


async def test_results_that_cannot_be_recorded_now_are_tried_in_order(
    audit: AuditLog, url: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = [await audit.attempt(actor(f"U{number}"), GET) for number in range(2)]
    await change(url, "ALTER TABLE audit_heads RENAME TO gone")
    for attempt in attempts:
        audit.finish_later(attempt, AuditResult("failed", f"code_{attempt.event.user_id}", 1))
    await clock.until_asleep(RETRY_SECONDS)
    clock.advance(RETRY_SECONDS)
    await clock.until_asleep(RETRY_SECONDS)
    (line,) = [record for record in caplog.records if record.name == "bot.audit.log"]
    assert line.message == "a result still can't be recorded"
    assert "audit_heads" in vars(line)["why"]
    await change(url, "ALTER TABLE gone RENAME TO audit_heads")
    for done in (1, 2):
        clock.advance(RETRY_SECONDS)
        await until(audit, "failed", done)
        if done == 1:
            await clock.until_asleep(RETRY_SECONDS)
    assert [entry.code for entry in await audit.newest(9, Filters(team_id="T1"))] == ["code_U1", "code_U0"]


async def test_a_result_of_an_altered_chain_holds_up_no_other(
    audit: AuditLog, url: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = [await audit.attempt(replace(actor(), team_id=team), GET) for team in ("T1", "T2")]
    await change(url, "UPDATE audit_heads SET number = 4 WHERE chain = 'T1'")
    for attempt in attempts:
        audit.finish_later(attempt, AuditResult("failed", "x", 1))
    for _ in attempts:
        await clock.until_asleep(RETRY_SECONDS)
        clock.advance(RETRY_SECONDS)
    async with asyncio.timeout(10):
        while (await audit.newest(1, Filters(team_id="T2")))[0].outcome != "failed":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert [record.message for record in caplog.records] == ["a result can't be recorded"]


async def test_the_later_of_two_unrecorded_results_counts(audit: AuditLog, url: str, clock: ManualClock) -> None:
    attempt = await audit.attempt(actor(), GET)
    async with emptied(url):
        for outcome in ("fetched", "withheld"):
            audit.finish_later(attempt, AuditResult(outcome, None, 1))
        await clock.until_asleep(RETRY_SECONDS)
        clock.advance(RETRY_SECONDS)
        await clock.until_asleep(RETRY_SECONDS)
    for outcome in ("fetched", "withheld"):
        clock.advance(RETRY_SECONDS)
        await until(audit, outcome)
        if outcome == "fetched":
            await clock.until_asleep(RETRY_SECONDS)


async def test_rows_that_were_made_to_look_old_are_not_pruned(audit: AuditLog, url: str, clock: ManualClock) -> None:
    await write(audit)
    clock.advance(1000)
    await change(url, "UPDATE audit_records SET at = 5 WHERE chain = 'T1'")
    with pytest.raises(DatabaseError, match="row 6 of the audit log of T1 was altered"):
        await audit.prune(clock.now() - 5000)
    assert (await audit.verify(lambda _: None)).problem == "T1: Row 1 was altered."


async def test_the_status_is_of_the_workspaces_that_nobody_altered(audit: AuditLog, url: str) -> None:
    for team in ("T1", "T2"):
        await audit.attempt(replace(actor(), team_id=team), GET)
    await change(url, "UPDATE audit_heads SET number = 4 WHERE chain = 'T1'")
    assert await audit.status() == (3, None)
    await change(url, "UPDATE audit_heads SET number = 4 WHERE chain = 'T2'")
    with pytest.raises(DatabaseError, match="head was altered"):
        await audit.status()


async def test_a_workspace_that_was_taken_away_is_missed_when_it_is_verified_alone(audit: AuditLog, url: str) -> None:
    await write(audit)
    await audit.attempt(replace(actor(), team_id="T2"), GET)
    await change(url, "DELETE FROM audit_heads WHERE chain = 'T1'", "DELETE FROM audit_records WHERE chain = 'T1'")
    says = "The log of T1 is missing, or another one is in its place."
    assert (await audit.verify(lambda _: None, workspace="T1")).problem == says


async def test_a_checkpoint_of_another_workspace_is_said_not_to_be_compared(audit: AuditLog) -> None:
    for team in ("T1", "T2"):
        await audit.attempt(replace(actor(), team_id=team), GET)
    mine, both = await audit.checkpoints("T1"), await audit.checkpoints()
    assert (await audit.verify(lambda _: None, audit.read_checkpoints(mine[0]), "T1")).note is None
    seen = audit.read_checkpoints("\n".join(both))
    assert "weren't compared" in str((await audit.verify(lambda _: None, seen, "T1")).note)
    assert (await audit.verify(lambda _: None, seen)).note is None


async def test_a_result_that_meets_a_fault_of_the_bot_is_tried_again(
    audit: AuditLog, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempt = await audit.attempt(actor(), GET)

    async def fail(*_: object) -> None:
        raise TypeError

    with monkeypatch.context() as patched:
        # No input makes the bot's own code fail.
        patched.setattr(audit, "finish", fail)
        audit.finish_later(attempt, AuditResult("failed", "x", 1))
        await clock.until_asleep(RETRY_SECONDS)
        clock.advance(RETRY_SECONDS)
        await clock.until_asleep(RETRY_SECONDS)
    assert [record.message for record in caplog.records] == ["a result still can't be recorded"]
    clock.advance(RETRY_SECONDS)
    await until(audit, "failed")


async def test_several_writers_in_one_process_share_one_chain(audit: AuditLog) -> None:
    attempts = await asyncio.gather(*(audit.attempt(actor(f"U{number}"), GET) for number in range(300)))
    assert sorted(attempt.number for attempt in attempts) == list(range(1, 301))
    assert (await audit.verify(lambda _: None)).rows == 301


async def test_another_key_is_noticed_at_start(new_url: str, clock: ManualClock) -> None:
    first = configured(new_url, EXTAUTH_SECRET_KEY="a" * 32)
    for _ in range(2):
        async with open_audit_log(first, clock) as opened:
            await write(opened, 1)
            assert (await opened.verify(lambda _: None)).problem is None
    with pytest.raises(DatabaseError, match="EXTAUTH_SECRET_KEY is not the one"):
        async with open_audit_log(configured(new_url, EXTAUTH_SECRET_KEY="b" * 32), clock):
            pytest.fail("it opened")


async def test_a_log_whose_key_is_gone_gets_no_other(new_url: str, clock: ManualClock) -> None:
    async with open_audit_log(configured(new_url), clock) as opened:
        await write(opened, 1)
    await change(new_url, "DELETE FROM installation_keys")
    with pytest.raises(DatabaseError, match="EXTAUTH_SECRET_KEY is not the one"):
        async with open_audit_log(configured(new_url), clock):
            pytest.fail("it opened")


async def test_the_token_is_in_no_row(audit: AuditLog, url: str) -> None:
    await write(audit)
    rows = await read_rows(url, select(audit_records))
    assert TOKEN.get_secret_value()[5:21] not in repr(rows)


@pytest.mark.slow
async def test_a_database_that_is_gone_is_said_so_and_used_again_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It's ten seconds, and no setting.
    monkeypatch.setattr("bot.storage.engine.BUSY_SECONDS", 0.5)
    url = f"sqlite:///{tmp_path}/audit.db"
    async with open_audit_log(configured(url), ManualClock()) as audit:
        await write(audit, 1)
        for broken in (locked(url), emptied(url)):
            async with broken:
                with pytest.raises(DatabaseError):
                    await audit.attempt(actor(), GET)
            await audit.attempt(actor(), GET)
        assert (await audit.verify(lambda _: None)).problem is None
