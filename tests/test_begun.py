"""What is begun when it comes: its attempt is recorded together with it, and only where that is sure to be right."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.access import ApprovalPolicy
from bot.actor import Actor
from bot.audit.entries import ReadHistory
from bot.outcomes import AlreadyRun, Deleted, Fetched, NotRecorded
from bot.service import Receipt, Runnable
from bot.slack.external_auth.models import DeleteTokens, GetToken, ListAccounts
from tests.audit_log import locked
from tests.harness import ADMIN, GUEST, MEMBER
from tests.test_service import GET, Bench, open_bench

FETCH = GetToken("EtGoogle0001")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path) as opened:
        yield opened


def is_begun(receipt: Receipt | None) -> bool:
    """Whether an attempt is on record, or about to be, for what came and didn't come before."""
    assert receipt is not None
    return receipt.attempt is not None


def came(bench: Bench, key: str, user: str = ADMIN) -> Actor:
    return replace(bench.actor(user), interaction=key, reply_to=SecretStr("the channel"))


async def test_what_comes_from_somebody_known_is_begun_in_one_step(bench: Bench) -> None:
    first = await bench.service.receive(came(bench, "first"), FETCH)
    assert not is_begun(first)  # nobody has asked Slack yet who that is
    assert isinstance(await bench.service.run(came(bench, "first"), FETCH, lambda _: None), Fetched)

    second = await bench.service.receive(came(bench, "second"), FETCH)
    assert second is not None
    assert second.attempt is not None
    assert [entry.outcome for entry in await bench.entries()] == [None, "fetched"]
    outcome = await bench.service.run(came(bench, "second"), FETCH, lambda _: None, receipt=second)
    assert isinstance(outcome, Fetched)
    assert [entry.outcome for entry in await bench.entries()] == ["fetched", "fetched"]


@pytest.mark.parametrize(
    ("user", "request_"), [(GUEST, FETCH), (MEMBER, DeleteTokens("EtGoogle0001")), (ADMIN, ReadHistory(10))]
)
async def test_what_may_not_be_done_or_is_not_recorded_is_only_received(
    bench: Bench, user: str, request_: Runnable
) -> None:
    await bench.service.authorize(bench.actor(user))
    receipt = await bench.service.receive(came(bench, "first", user), request_)
    assert not is_begun(receipt)
    assert await bench.entries() == []


async def test_a_deletion_that_needs_approval_is_only_received(bench: Bench) -> None:
    bench.service.policy = ApprovalPolicy.ALL
    await bench.service.authorize(bench.actor())
    assert not is_begun(await bench.service.receive(came(bench, "first"), DeleteTokens("EtGoogle0001")))
    assert await bench.entries() == []


async def test_who_has_just_lost_their_standing_is_not_begun_for(bench: Bench) -> None:
    await bench.service.authorize(bench.actor())
    bench.clock.advance(61)
    receipt = await bench.service.receive(came(bench, "first"), FETCH)
    assert not is_begun(receipt)


async def test_what_comes_again_is_not_begun_again(bench: Bench) -> None:
    await bench.service.authorize(bench.actor())
    receipts = [await bench.service.receive(came(bench, "same"), request) for request in (FETCH, ListAccounts(), FETCH)]
    assert receipts[0] is not None
    assert receipts[1:] == [None, None]
    assert len(await bench.entries()) == 1


async def test_what_was_only_received_before_is_not_begun(bench: Bench) -> None:
    assert await bench.service.receive(came(bench, "same")) is not None
    await bench.service.authorize(bench.actor())
    # Its own process may still begin what it has received, but only once.
    receipt = await bench.service.receive(came(bench, "same"), FETCH)
    again = await bench.service.receive(came(bench, "same"), FETCH)
    assert receipt is not None
    assert again is None


async def test_a_database_that_does_not_answer_holds_up_no_acknowledgement(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.audit.log.RECEIPT_SECONDS", 0.05)
    await bench.service.authorize(bench.actor())
    async with locked(f"sqlite:///{bench.database}"):
        receipt = await bench.service.receive(came(bench, "slow"), DeleteTokens("EtGoogle0001"))
        assert receipt is not None
        assert receipt.attempt is not None
        assert not receipt.attempt.item.written.done()
        running = asyncio.ensure_future(
            bench.service.run(came(bench, "slow"), DeleteTokens("EtGoogle0001"), lambda _: None, receipt=receipt)
        )
        await asyncio.sleep(0.05)
        assert not running.done()
    assert isinstance(await running, Deleted)
    assert [entry.outcome for entry in await bench.entries()] == ["deleted"]


async def test_what_cannot_be_recorded_is_not_sent(bench: Bench) -> None:
    await bench.service.authorize(bench.actor())
    bench.execute("ALTER TABLE audit_records RENAME TO gone")
    receipt = await bench.service.receive(came(bench, "first"), FETCH)
    assert receipt is not None
    outcome = await bench.service.run(came(bench, "first"), FETCH, lambda _: None, receipt=receipt)
    assert outcome == NotRecorded(FETCH, None, "ABCD2345")
    assert bench.calls(GET) == []


async def test_an_acknowledgement_that_is_given_up_leaves_nothing_begun(bench: Bench) -> None:
    await bench.service.authorize(bench.actor())
    async with locked(f"sqlite:///{bench.database}"):
        receiving = asyncio.ensure_future(bench.service.receive(came(bench, "first"), FETCH))
        await asyncio.sleep(0.05)
        receiving.cancel()
        await asyncio.wait({receiving})
    assert receiving.cancelled()
    # It may have been on its way to the disk already. Then the log says at once that nothing came of it.
    async with asyncio.timeout(10):
        while [entry.outcome for entry in await bench.entries()] not in ([], ["not done"]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_both_deliveries_of_one_interaction_end_in_one_act(bench: Bench) -> None:
    await bench.service.authorize(bench.actor())
    both = await asyncio.gather(*(bench.service.receive(came(bench, "same"), FETCH) for _ in range(2)))
    (receipt,) = [one for one in both if one is not None]
    outcome = await bench.service.run(came(bench, "same"), FETCH, lambda _: None, receipt=receipt)
    assert not isinstance(outcome, AlreadyRun)
    assert len(bench.calls(GET)) == 1
