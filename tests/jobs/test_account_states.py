"""What the last test of each account found, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app import open_storage
from bot.batch import Batch, Item, ItemResult
from bot.jobs.account_states import AccountStates, LastTest
from bot.operation import Operation
from bot.slack.external_auth.accounts import AccountState, state_of
from bot.storage.engine import DatabaseError
from tests.audit_log import actor, change, configured
from tests.manual_clock import ManualClock

CODES = [None, "no_refresh_token", "access_token_exchange_failed", "token_not_found", "internal_error"]


@pytest.fixture
async def states(url: str, clock: ManualClock) -> AsyncIterator[AccountStates]:
    async with open_storage(configured(url), clock) as storage:
        yield storage.account_states


def batch(
    found: Mapping[str, str | None], operation: Operation = Operation.TEST, provider: str | None = "google"
) -> Batch:
    made = Batch.of(actor(), operation, [Item(token_id, provider) for token_id in found], 0.0)
    for code in found.values():
        made = made.with_result(ItemResult("failed" if code else "works", code))
    return made


async def known(states: AccountStates) -> Mapping[str, AccountState]:
    return {token_id: last.state for token_id, last in (await states.known("T1")).items()}


async def test_the_newest_test_counts_unless_it_says_nothing(states: AccountStates, clock: ManualClock) -> None:
    await states.note(batch({"Et1": None, "Et2": "no_refresh_token", "Et3": "internal_error"}))
    first = clock.now()
    clock.advance(60)
    await states.note(batch({"Et1": "token_not_found", "Et2": "ratelimited"}))
    found = await states.known("T1")
    assert {token_id: replace(last, at=0.0) for token_id, last in found.items()} == {
        "Et1": LastTest("Et1", "google", 0.0, AccountState.GONE, "token_not_found"),
        "Et2": LastTest("Et2", "google", 0.0, AccountState.EXPIRED, "no_refresh_token"),
    }
    assert [found["Et1"].at, found["Et2"].at] == pytest.approx([clock.now(), first])


async def test_a_test_by_id_alone_keeps_the_provider_that_is_known(states: AccountStates) -> None:
    await states.note(batch({"Et1": None}))
    await states.note(batch({"Et1": "no_refresh_token", "Et2": None}, provider=None))
    found = await states.known("T1")
    assert [found[token_id].provider_key for token_id in ("Et1", "Et2")] == ["google", None]


async def test_an_account_that_was_not_tested_has_no_state(states: AccountStates) -> None:
    made = Batch.of(actor(), Operation.TEST, [Item("Et1"), Item("Et2")], 0.0).with_result(ItemResult("works"))
    await states.note(made)
    assert await known(states) == {"Et1": AccountState.WORKS}


async def test_deleted_tokens_are_forgotten(states: AccountStates) -> None:
    await states.note(batch(dict.fromkeys(("Et1", "Et2", "Et3", "Et4"))))
    await states.note(batch({"Et1": None, "Et2": "unable_to_delete", "Et3": "token_not_found"}, Operation.DELETE))
    assert {*await known(states)} == {"Et2", "Et4"}


async def test_a_provider_s_and_those_that_are_no_longer_listed_are_forgotten(states: AccountStates) -> None:
    await states.note(batch({"Et1": None, "Et2": None}))
    await states.note(batch({"Et3": None, "Et4": None}, provider="zoom"))
    await states.forget("T1", provider_key="zoom")
    assert {*await known(states)} == {"Et1", "Et2"}
    await states.forget("T2")
    await states.keep_only("T1", ["Et2", "Et9"])
    assert {*await known(states)} == {"Et2"}
    await states.forget("T1")
    assert await known(states) == {}


async def test_an_id_that_may_be_a_token_is_not_kept(states: AccountStates) -> None:
    await states.note(batch({"xY0" * 20: "token_not_found", "Et1": None}))
    assert {*await known(states)} == {"Et1"}


async def test_thousands_are_kept_and_forgotten_at_once(states: AccountStates) -> None:
    many = {f"EtMany{number:06}": None for number in range(2500)}
    await states.note(batch(many))
    assert {*await known(states)} == {*many}
    await states.keep_only("T1", [])
    assert await known(states) == {}


async def test_a_state_of_another_version_is_unknown(states: AccountStates, url: str) -> None:
    await states.note(batch({"Et1": None}))
    await change(url, "UPDATE account_states SET state = 'half-broken'")
    assert await known(states) == {"Et1": AccountState.UNKNOWN}


async def test_trouble_is_logged_and_raises_nothing(
    states: AccountStates, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await change(url, "ALTER TABLE account_states RENAME TO gone")
    await states.note(batch({"Et1": None}))
    await states.forget("T1", provider_key="google")
    await states.keep_only("T1", [])
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "what a test found couldn't be kept for the App Home"
    ] * 3
    with pytest.raises(DatabaseError):
        await states.known("T1")
    await change(url, "ALTER TABLE gone RENAME TO account_states")


async def test_processes_that_note_the_same_accounts_at_once_lose_nothing(
    states: AccountStates, url: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [f"EtMany{number:06}" for number in range(100)]

    def note(order: list[str]) -> None:
        async def again_and_again() -> None:
            async with open_storage(configured(url), clock) as opened:
                for _ in range(3):
                    await opened.account_states.note(batch(dict.fromkeys(order)))

        asyncio.run(again_and_again())

    with ThreadPoolExecutor(4) as threads:
        orders = [ids, ids[::-1], ids[50:] + ids[:50], ids[::-1]]
        await asyncio.gather(*(asyncio.wrap_future(threads.submit(note, order)) for order in orders))
    assert {*await known(states)} == {*ids}
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


TESTS = st.lists(st.dictionaries(st.sampled_from(["Et1", "Et2", "Et3"]), st.sampled_from(CODES)), max_size=4)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TESTS)
async def test_an_accounts_state_is_what_the_last_conclusive_test_found(
    states: AccountStates, tests: Sequence[Mapping[str, str | None]]
) -> None:
    await states.forget("T1")
    expected: dict[str, AccountState] = {}
    for found in tests:
        await states.note(batch(found))
        telling = {token_id: state_of(code) for token_id, code in found.items()}
        expected |= {token_id: state for token_id, state in telling.items() if state is not AccountState.UNKNOWN}
    assert await known(states) == expected
