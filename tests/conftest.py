from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.office import Office, open_office


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot keeps its database in the working folder unless it is told otherwise."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    """Every scenario runs over both."""
    return str(request.param)


@pytest.fixture
async def office(transport: str) -> AsyncIterator[Office]:
    """The bot with default settings: admins may do everything."""
    async with open_office(transport) as opened:  # type: ignore[arg-type]
        yield opened
