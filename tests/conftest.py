from collections.abc import AsyncIterator

import pytest

from tests.office import Office, open_office


@pytest.fixture(params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    """Every scenario runs over both."""
    return str(request.param)


@pytest.fixture
async def office(transport: str) -> AsyncIterator[Office]:
    """The bot with default settings: admins may do everything."""
    async with open_office(transport) as opened:  # type: ignore[arg-type]
        yield opened
