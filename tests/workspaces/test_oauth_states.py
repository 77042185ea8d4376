"""A state is good once, for ten minutes, and nothing is written for one that nobody installs with."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import select

from bot.storage.address import database_url
from bot.storage.crypto import Vault
from bot.storage.engine import Database, open_database
from bot.storage.tables import oauth_states
from bot.workspaces.oauth_states import STATE_SECONDS, OAuthStates
from tests.manual_clock import ManualClock

KEY, NEXT = b"the old key, of 32 characters ..", b"the new key, of 32 characters .."


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    found = open_database(database_url(url))
    yield found
    await found.close()


@pytest.fixture
def states(database: Database, clock: ManualClock) -> OAuthStates:
    return OAuthStates(database, Vault([KEY]), clock)


async def rows(database: Database) -> Sequence[object]:
    return await database.run(lambda connection: connection.execute(select(oauth_states)).all())


async def test_a_state_is_good_once_and_only_if_it_was_issued(database: Database, states: OAuthStates) -> None:
    state = await states.async_issue()
    for other in (state + "x", state[:-2], "", "\ud800", "x" * 100):
        assert not await states.async_consume(other)
    assert await states.async_consume(state)
    assert await states.use(state)
    assert not await states.async_consume(state)
    assert not await states.use(state)
    for respelled in (f"{state}==", f"{state[:9]}!{state[9:]}", f" {state}"):
        assert not await states.async_consume(respelled)
        assert not await states.use(respelled)
    assert await states.async_issue() != state


async def test_only_one_of_many_installs_with_a_state(states: OAuthStates) -> None:
    state = await states.async_issue()
    assert sum(await asyncio.gather(*(states.use(state) for _ in range(8)))) == 1


async def test_a_state_expires_and_is_then_forgotten(
    database: Database, states: OAuthStates, clock: ManualClock
) -> None:
    in_time, late = await states.async_issue(), await states.async_issue()
    clock.advance(STATE_SECONDS - 1)
    assert await states.async_consume(in_time)
    assert await states.use(in_time)
    clock.advance(2)
    assert not await states.async_consume(late)
    clock.advance(STATE_SECONDS)
    assert await states.use(await states.async_issue())
    assert len(await rows(database)) == 1


async def test_a_clock_that_was_set_back_makes_none_good_for_longer(states: OAuthStates, clock: ManualClock) -> None:
    state = await states.async_issue()
    clock.set_back(3600)
    assert not await states.async_consume(state)


async def test_beginning_writes_nothing_and_the_database_has_only_hashes(
    database: Database, states: OAuthStates
) -> None:
    issued = [await states.async_issue() for _ in range(100)]
    assert await rows(database) == []
    assert await states.use(issued[0])
    (kept,) = await rows(database)
    assert issued[0] not in str(kept)
    assert issued[1] not in str(kept)


async def test_any_process_takes_it_also_while_keys_are_rotated(database: Database, clock: ManualClock) -> None:
    state = await OAuthStates(database, Vault([KEY]), clock).async_issue()
    assert await OAuthStates(database, Vault([NEXT, KEY]), clock).async_consume(state)
    assert not await OAuthStates(database, Vault([NEXT]), clock).async_consume(state)
