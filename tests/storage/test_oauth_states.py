"""A state is good once, for ten minutes, and whoever reads the database can't use one."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete, insert, select

from bot.storage import oauth_states as module
from bot.storage.address import database_url
from bot.storage.engine import Database, open_database
from bot.storage.oauth_states import FULL_SECONDS, MOST_STATES, STATE_SECONDS, StoredOAuthStates, TooManyStates
from bot.storage.tables import oauth_states
from tests.manual_clock import ManualClock


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    found = open_database(database_url(url))
    yield found
    await found.close()


async def test_it_is_good_once_and_only_if_it_was_issued(database: Database, clock: ManualClock) -> None:
    states = StoredOAuthStates(database, clock)
    state = await states.async_issue()
    assert not await states.async_consume(state + "x")
    assert await states.async_consume(state)
    assert not await states.async_consume(state)
    assert not await states.async_consume("")


async def test_of_many_who_bring_it_at_once_one_is_let_in(database: Database, clock: ManualClock) -> None:
    states = StoredOAuthStates(database, clock)
    state = await states.async_issue()
    assert sum(await asyncio.gather(*(states.async_consume(state) for _ in range(8)))) == 1


async def test_it_expires_and_is_gone_with_the_next(database: Database, clock: ManualClock) -> None:
    states = StoredOAuthStates(database, clock)
    in_time, late = await states.async_issue(), await states.async_issue()
    clock.advance(STATE_SECONDS - 1)
    assert await states.async_consume(in_time)
    clock.advance(2)
    assert not await states.async_consume(late)
    await states.async_issue()
    clock.advance(STATE_SECONDS + 1)
    await states.async_issue()
    assert len(await database.run(lambda connection: connection.execute(select(oauth_states)).all())) == 1


async def test_the_database_has_only_hashes(database: Database, clock: ManualClock) -> None:
    state = await StoredOAuthStates(database, clock).async_issue()
    kept = str(await database.run(lambda connection: connection.execute(select(oauth_states)).all()))
    assert state not in kept
    assert module._hash(state) in kept


async def test_what_anyone_can_write_has_a_limit(database: Database, clock: ManualClock) -> None:
    states = StoredOAuthStates(database, clock)
    at = round((clock.now() + STATE_SECONDS) * 1_000_000)
    rows = [{"hash": f"{number}", "expires_at": at} for number in range(MOST_STATES)]
    await database.run(lambda connection: connection.execute(insert(oauth_states), rows))
    with pytest.raises(TooManyStates):
        await states.async_issue()
    clock.advance(STATE_SECONDS + 1)
    assert await states.async_consume(await states.async_issue())


async def test_once_it_is_full_strangers_write_nothing(database: Database, clock: ManualClock) -> None:
    states = StoredOAuthStates(database, clock)
    at = round((clock.now() + STATE_SECONDS) * 1_000_000)
    rows = [{"hash": f"{number}", "expires_at": at} for number in range(MOST_STATES)]
    await database.run(lambda connection: connection.execute(insert(oauth_states), rows))
    with pytest.raises(TooManyStates):
        await states.async_issue()
    await database.run(lambda connection: connection.execute(delete(oauth_states)))
    # It isn't looked at again at once.
    with pytest.raises(TooManyStates):
        await states.async_issue()
    clock.advance(FULL_SECONDS)
    assert await states.async_consume(await states.async_issue())
