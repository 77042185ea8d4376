import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from bot.audit.log import AuditLog
from bot.cli.shared import fastest_loop
from bot.settings import Transport
from tests.audit_log import configured, open_audit_log
from tests.databases import DATABASES, drop_databases, new_database, started_database
from tests.harness import Harness, open_harness
from tests.manual_clock import ManualClock

# In memory no transaction waits for a disk, and no test takes the power away.
MEMORY, NEEDED_BYTES = Path("/dev/shm"), 2 * 1024**3
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > NEEDED_BYTES:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

# A busy machine is no fault of the code. More examples: --hypothesis-profile=thorough
settings.register_profile("patient", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=100)
settings.load_profile("patient")


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than processors, because most wait for a process, a browser or a database now and then."""
    return (os.cpu_count() or 1) + 1


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests on the event loop that the bot runs on. With asyncio's own they take a sixth more CPU."""
    return {"the bot's": fastest_loop()}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that it doesn't end alone."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    for item in items:
        if any(item.get_closest_marker(alone) for alone in ("burst", "flood")):
            assert "scenarios" in item.path.parts, "make test looks there for what needs the machine to itself"


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays to the end: the modules and the tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot keeps its database in the working folder unless it is told otherwise."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True, scope="session")
def _databases() -> Iterator[None]:
    """No database of the tests' is left on the server."""
    yield
    asyncio.run(drop_databases())


@pytest.fixture
def transport() -> Transport:
    """The transport of a scenario, unless it's marked `over_both_transports`."""
    return "socket"


@pytest.fixture
async def harness(transport: Transport) -> AsyncIterator[Harness]:
    """The bot with default settings: admins may do everything."""
    async with open_harness(transport) as opened:
        yield opened


@pytest.fixture(params=DATABASES)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A database of each kind, on which a bot with default settings has started."""
    async with started_database(request.param, tmp_path) as address:
        yield address


@pytest.fixture(params=DATABASES)
async def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty database of each kind."""
    async with new_database(request.param, tmp_path) as address:
        yield address


@pytest.fixture
async def clock() -> ManualClock:
    """The clock of `audit`."""
    return ManualClock()


@pytest.fixture
async def audit(url: str, clock: ManualClock) -> AsyncIterator[AuditLog]:
    """An audit log in that database."""
    async with open_audit_log(configured(url), clock) as opened:
        yield opened
