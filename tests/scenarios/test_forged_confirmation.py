"""The confirmation of several deletions, submitted with another memory than the bot gave it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import Storage, open_storage
from bot.batch import Batch, BatchState, Item
from bot.operation import Operation
from bot.sandbox.slack.channels import AUDIT_CHANNEL
from bot.sandbox.slack.state import TEAM_ID, OpenView
from bot.settings import Transport
from tests.audit_log import actor, configured
from tests.harness import ADMIN, OWNER, Harness, open_harness
from tests.scenarios.test_testing import result

DELETE = "apps.auth.external.delete"
TOKENS = ("EtGoogle0001", "EtGitHub0001")
GONE, OUTDATED = "Extauth keeps these results for a day.", "older version of Extauth"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/shared.db"


@pytest.fixture(params=["off", "bulk"])
async def forged(request: pytest.FixtureRequest, transport: Transport, url: str) -> AsyncIterator[Harness]:
    """With and without approvals: what isn't deleted isn't asked for either."""
    more = {"EXTAUTH_DELETE_APPROVAL": request.param, "EXTAUTH_AUDIT_CHANNEL": AUDIT_CHANNEL, "DATABASE_URL": url}
    async with open_harness(transport, **more) as opened:
        yield opened


@pytest.fixture
async def storage(forged: Harness, url: str) -> AsyncIterator[Storage]:
    """Open the bot's storage as another process of it does."""
    async with open_storage(configured(url), forged.clock) as opened:
        yield opened


async def kept(
    storage: Storage,
    harness: Harness,
    *,
    user: str = ADMIN,
    team_id: str = TEAM_ID,
    operation: Operation = Operation.DELETE,
    state: BatchState = BatchState.CONFIRMING,
) -> str:
    """Keep a batch of the same two tokens, and return its ID."""
    whose = replace(actor(user), team_id=team_id)
    made = Batch.of(whose, operation, [Item(token_id) for token_id in TOKENS], harness.clock.now())
    await storage.batches.put(made, state)
    return made.batch_id


async def submits(harness: Harness, view: OpenView, typed: str, **batch: object) -> str:
    """Submit a confirmation that remembers something else of its batch, and return what it says then."""
    metadata = json.loads(view.content["private_metadata"])
    metadata["batch"] |= batch
    view.content = {**view.content, "private_metadata": json.dumps(metadata)}
    return harness.read(await harness.submits(view, typed_count=typed))


def nothing_happened(harness: Harness) -> None:
    """No token is deleted, and nobody is asked to approve that."""
    assert harness.calls(DELETE) == []
    assert {*TOKENS} <= {*harness.state.tokens}
    assert not [post for post in harness.state.posts if "to delete" in str(post.blocks)]


async def test_no_batch_but_ones_own_that_waits_for_its_confirmation_is_deleted(
    forged: Harness, storage: Storage
) -> None:
    others = {
        "of another workspace": await kept(storage, forged, team_id="T0ELSEWHERE"),
        "of another person": await kept(storage, forged, user=OWNER),
        "of a test": await kept(storage, forged, operation=Operation.TEST),
        "ended": await kept(storage, forged, state=BatchState.ENDED),
        "waiting for approval": await kept(storage, forged, state=BatchState.WAITING),
        "declined": await kept(storage, forged, state=BatchState.DECLINED),
        "of nobody": "0" * 32,
        "no ID": "' OR 1 = 1 --",
    }
    for what, batch_id in others.items():
        view = await forged.opens(f"/extauth delete {' '.join(TOKENS)}")
        assert GONE in await submits(forged, view, "delete 2 tokens", batch_id=batch_id), what
        nothing_happened(forged)
        forged.workspace.close(view)


@pytest.mark.parametrize("count", [1, 3, 0, -2])
async def test_another_count_than_the_batchs_deletes_nothing_though_it_was_typed(forged: Harness, count: int) -> None:
    view = await forged.opens(f"/extauth delete {' '.join(TOKENS)}")
    tokens = "token" if count == 1 else "tokens"
    assert GONE in await submits(forged, view, f"delete {count} {tokens}", count=count)
    nothing_happened(forged)


@pytest.mark.parametrize("batch", [{"count": "2"}, {"count": True}, {"count": None}, {"batch_id": ["x"]}])
async def test_what_is_no_batch_of_the_bots_deletes_nothing(forged: Harness, batch: dict[str, object]) -> None:
    view = await forged.opens(f"/extauth delete {' '.join(TOKENS)}")
    assert OUTDATED in await submits(forged, view, "delete 2 tokens", **batch)
    nothing_happened(forged)


async def test_from_another_workspace_nothing_is_deleted_and_the_batch_waits_on(
    transport: Transport,
) -> None:
    async with open_harness(transport) as harness:
        view = await harness.opens(f"/extauth delete {' '.join(TOKENS)}")
        content = view.content
        harness.workspace.team_id = "T0ELSEWHERE"
        assert GONE in harness.read(await harness.submits(view, typed_count="delete 2 tokens"))
        harness.workspace.team_id = harness.state.team_id
        nothing_happened(harness)
        view.content = content
        await harness.workspace.submit(view, {"typed_count": "delete 2 tokens"})
        assert "✓ 2 of 2 tokens deleted" in await result(harness, view)
