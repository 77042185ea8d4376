"""Trying again."""

import asyncio

import pytest

from bot.tasks import retry


class Later(Exception):
    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("later")
        self.retry_after = retry_after


class UnreliableAction:
    """An action that raises some exceptions in turn, and then is done."""

    def __init__(self, *raises: BaseException) -> None:
        self.raises = list(raises)
        self.slept: list[float] = []
        self.told: list[Exception] = []

    async def act(self) -> str:
        if self.raises:
            raise self.raises.pop(0)
        return "done"

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def run(self) -> str:
        return await retry(self.act, self.sleep, (1, 5), lambda error: isinstance(error, Later), self.told.append)


async def test_a_passing_error_is_tried_again_after_each_wait() -> None:
    first, second = Later(), Later(60)
    action = UnreliableAction(first, second)
    assert await action.run() == "done"
    assert action.slept == [1, 60]
    assert action.told == [first, second]


async def test_the_last_exception_is_raised() -> None:
    last = Later()
    action = UnreliableAction(Later(), Later(), last)
    with pytest.raises(Later) as raised:
        await action.run()
    assert raised.value is last
    assert action.slept == [1, 5]
    assert last not in action.told


@pytest.mark.parametrize("error", [ValueError("odd"), asyncio.CancelledError()])
async def test_anything_else_is_raised_at_once(error: BaseException) -> None:
    action = UnreliableAction(error)
    with pytest.raises(type(error)):
        await action.run()
    assert (action.slept, action.told) == ([], [])
