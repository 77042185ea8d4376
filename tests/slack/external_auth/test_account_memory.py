"""What is remembered of an app's accounts, and for how long."""

import asyncio

import pytest

from bot.slack.external_auth.accounts import KEPT_SECONDS, SLOW_SECONDS, AccountList, AccountMemory
from tests.manual_clock import ManualClock

NONE_YET = AccountList((), (), True, 0)


class Asked:
    """Slack, which answers when it is told to."""

    def __init__(self) -> None:
        self.times = 0
        self.answer: asyncio.Future[AccountList | None] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> AccountList | None:
        self.times += 1
        return await self.answer


@pytest.mark.parametrize("answer", [NONE_YET, None])
async def test_an_answer_is_kept_for_a_while_and_a_refusal_as_well(answer: AccountList | None) -> None:
    clock, asked = ManualClock(), Asked()
    memory = AccountMemory(clock)
    asked.answer.set_result(answer)
    assert memory.is_promising("app")
    for _ in range(3):
        assert await memory.look_up("app", asked) is answer
    assert asked.times == 1
    assert memory.is_promising("app") is (answer is not None)
    assert memory.is_promising("another")

    clock.set_back(3600)
    clock.advance(KEPT_SECONDS - 1)
    assert await memory.look_up("app", asked) is answer
    assert asked.times == 1
    clock.advance(2)
    assert memory.is_promising("app")
    assert await memory.look_up("app", asked) is answer
    assert asked.times == 2


async def test_those_who_ask_meanwhile_share_a_request_until_it_is_slow() -> None:
    clock, asked = ManualClock(), Asked()
    memory = AccountMemory(clock)
    first, second = (asyncio.ensure_future(memory.look_up("app", asked)) for _ in range(2))
    await asyncio.sleep(0)
    assert memory.is_promising("app")
    clock.advance(SLOW_SECONDS + 0.1)
    assert not memory.is_promising("app")
    assert await memory.look_up("app", asked) is None
    asked.answer.set_result(NONE_YET)
    assert await first is await second is NONE_YET
    assert memory.is_promising("app")
    assert await memory.look_up("app", asked) is NONE_YET
    assert asked.times == 1


async def test_a_canceled_caller_takes_the_answer_from_nobody() -> None:
    memory, asked = AccountMemory(ManualClock()), Asked()
    first, second = (asyncio.ensure_future(memory.look_up("app", asked)) for _ in range(2))
    await asyncio.sleep(0)
    second.cancel()
    third = asyncio.ensure_future(memory.look_up("app", asked))
    await asyncio.sleep(0)
    first.cancel()
    asked.answer.set_result(NONE_YET)
    assert await third is NONE_YET
    assert await memory.look_up("app", asked) is NONE_YET
    assert asked.times == 1


async def test_a_list_is_kept_when_given_and_forgotten_when_dropped() -> None:
    memory, asked = AccountMemory(ManualClock()), Asked()
    memory.put("app", None)
    assert not memory.is_promising("app")
    memory.put("app", NONE_YET)
    assert await memory.look_up("app", asked) is NONE_YET
    memory.pop("app")
    memory.pop("app")
    asked.answer.set_result(None)
    assert await memory.look_up("app", asked) is None
    assert asked.times == 1
