from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from bot.settings import Transport
from tests.harness import Harness, open_harness

# A busy machine is no fault of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot keeps its database in the working folder unless it is told otherwise."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> Transport:
    """Every scenario runs over both."""
    chosen: Transport = request.param
    return chosen


@pytest.fixture
async def harness(transport: Transport) -> AsyncIterator[Harness]:
    """The bot with default settings: admins may do everything."""
    async with open_harness(transport) as opened:
        yield opened
