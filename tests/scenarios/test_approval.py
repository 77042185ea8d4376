"""Deletions that somebody else has to approve, as the people of a workspace do it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.access import APPROVAL_SECONDS
from bot.background.tasks import SWEEP_SECONDS
from bot.jobs.approval import GRACE_SECONDS
from bot.sandbox.slack.channels import AUDIT_CHANNEL, Post
from bot.sandbox.slack.state import Message
from bot.settings import Transport
from tests.harness import ADMIN, GUEST, MEMBER, OWNER, Harness, open_harness, over_both_transports

DELETE = "apps.auth.external.delete"
SETTINGS = {"EXTAUTH_AUDIT_CHANNEL": AUDIT_CHANNEL}
MANY = "delete EtGoogle0001 EtGitHub0001"


@pytest.fixture
async def bulk(transport: Transport) -> AsyncIterator[Harness]:
    async with open_bulk(transport) as opened:
        yield opened


@pytest.fixture
async def strict(transport: Transport) -> AsyncIterator[Harness]:
    async with open_harness(transport, **SETTINGS, EXTAUTH_DELETE_APPROVAL="all") as opened:
        yield opened


@asynccontextmanager
async def open_bulk(transport: Transport, **more: str) -> AsyncIterator[Harness]:
    """Serve a bot that has several deletions approved, and turn the clock at the end, for the channel's last lines."""
    async with open_harness(transport, **SETTINGS, EXTAUTH_DELETE_APPROVAL="bulk", **more) as opened:
        yield opened
        turning = asyncio.ensure_future(opened.passes_time(lambda: False))
    turning.cancel()


async def request(harness: Harness, line: str = MANY, user: str = ADMIN) -> Post:
    """Ask for a deletion, and return the message that asks for its approval."""
    view = await harness.opens(f"/extauth {line}", user)
    typed = {"typed_count": "delete 2 tokens"} if line == MANY else {}
    if "--provider-key" in line:
        typed = {"typed_name": line.rsplit(" ", 1)[1]}
    await harness.workspace.submit(view, typed)
    await harness.state.until(lambda: bool(posts(harness)))
    if line == MANY:
        await harness.state.until(lambda: "Waiting for approval" in harness.read(view))
        harness.workspace.close(view)
    return posts(harness)[-1]


def posts(harness: Harness) -> list[Post]:
    return [post for post in harness.state.posts if "to delete" in str(post.blocks)]


def current(harness: Harness, post: Post) -> str:
    """Return the present content of a message."""
    return str(next(one.blocks for one in harness.state.posts if one.ts == post.ts))


async def pressed(harness: Harness, post: Post, user: str, label: str) -> None:
    assert await harness.workspace.press_post(post, user, label)


async def told(harness: Harness, user: str, text: str) -> Message:
    def found() -> list[Message]:
        return [message for message in harness.workspace.messages(user) if text in harness.read(message)]

    await harness.state.until(lambda: bool(found()))
    return found()[-1]


@over_both_transports
async def test_several_tokens_are_deleted_once_somebody_else_approves(bulk: Harness) -> None:
    post = await request(bulk)
    said = str(post.blocks)
    assert f"<@{ADMIN}> asks to delete 2 tokens" in said
    assert "• `google` · `EtGoogle0001`\\n• `github` · `EtGitHub0001`" in said
    assert "ada@example.com" not in said
    assert bulk.calls(DELETE) == []

    await pressed(bulk, post, OWNER, "Approve")

    await told(bulk, ADMIN, "✓ 2 of 2 tokens deleted")
    await bulk.state.until(lambda: "2 of 2 deleted" in current(bulk, post))
    assert f"2 of 2 deleted, approved by <@{OWNER}>" in current(bulk, post)
    assert "approval_approve" not in current(bulk, post)
    assert bulk.calls(DELETE) == [{"external_token_id": "EtGoogle0001"}, {"external_token_id": "EtGitHub0001"}]
    history = bulk.read(await bulk.types("/extauth history"))
    for entry in (
        f"@{ADMIN} · request tokens 2 · requested",
        f"@{OWNER} · approve request ",
        f" by @{ADMIN} · approved",
        f"@{ADMIN} · delete EtGoogle0001 · deleted",
    ):
        assert entry in history.replace("`", "")


async def test_nobody_approves_their_own_request(bulk: Harness) -> None:
    post = await request(bulk)
    await pressed(bulk, post, ADMIN, "Approve")
    await told(bulk, ADMIN, "somebody else has to approve it")
    assert bulk.calls(DELETE) == []
    await pressed(bulk, post, ADMIN, "Decline")
    await told(bulk, ADMIN, "✕ Your deletion was declined")


async def test_a_declined_request_stays_declined(bulk: Harness) -> None:
    post = await request(bulk)
    await pressed(bulk, post, OWNER, "Decline")
    await told(bulk, ADMIN, f"@{OWNER} declined it. Nothing was deleted.")
    await bulk.state.until(lambda: "Declined by" in current(bulk, post))
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, OWNER, "Somebody else has decided already.")
    assert bulk.calls(DELETE) == []


@over_both_transports
async def test_only_one_of_many_clicks_counts(bulk: Harness) -> None:
    bulk.state.people["U0SECOND"] = bulk.state.people[OWNER].__class__(**{**vars(bulk.state.people[OWNER])})
    bulk.state.people["U0SECOND"].user_id = "U0SECOND"
    post = await request(bulk)
    clicks = [(OWNER, "Approve"), ("U0SECOND", "Approve"), (OWNER, "Approve"), ("U0SECOND", "Decline")]
    await asyncio.gather(*(pressed(bulk, post, user, label) for user, label in clicks))
    await bulk.state.until(lambda: " deleted, approved by" in current(bulk, post) or "Declined" in current(bulk, post))
    deleted = len(bulk.calls(DELETE))
    assert deleted == (0 if "Declined" in current(bulk, post) else 2)


@pytest.mark.parametrize(("user", "why"), [(MEMBER, "Only workspace admins and owners can"), (GUEST, "Guests can't")])
async def test_only_approvers_can_approve_or_decline(bulk: Harness, user: str, why: str) -> None:
    post = await request(bulk)
    for label in ("Approve", "Decline"):
        await pressed(bulk, post, user, label)
        denied = await told(bulk, user, "✕ You don't have permission to approve deletions")
        assert why in bulk.read(denied)
    assert bulk.calls(DELETE) == []
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, ADMIN, "✓ 2 of 2 tokens deleted")


async def test_whoever_lost_their_standing_neither_approves_nor_deletes(bulk: Harness) -> None:
    post = await request(bulk)
    second = bulk.state.people[MEMBER]
    second.is_admin = True
    bulk.demote(MEMBER)
    await pressed(bulk, post, MEMBER, "Approve")
    await told(bulk, MEMBER, "✕ You don't have permission to approve deletions")
    second.is_admin = True
    bulk.demote(ADMIN)
    bulk.clock.advance(1)
    await pressed(bulk, post, MEMBER, "Approve")
    await told(bulk, ADMIN, "0 of 2 tokens deleted")
    assert bulk.calls(DELETE) == []


async def test_a_request_expires_after_an_hour(bulk: Harness) -> None:
    post = await request(bulk)
    bulk.clock.advance(APPROVAL_SECONDS)
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, OWNER, "This request expired. Nothing was deleted.")
    await bulk.clock.until_asleep(SWEEP_SECONDS)
    bulk.clock.advance(GRACE_SECONDS + SWEEP_SECONDS)
    await told(bulk, ADMIN, "✕ Nobody approved your deletion")
    await bulk.state.until(lambda: "Expired" in current(bulk, post))
    assert bulk.calls(DELETE) == []
    assert "request tokens 2 · expired" in bulk.read(await bulk.types("/extauth history")).replace("`", "")


async def test_one_token_needs_no_approval_where_only_bulk_does(bulk: Harness) -> None:
    assert "✓ Deleted from Slack" in bulk.read(await bulk.types("/extauth delete EtGoogle0001 --yes"))
    assert not posts(bulk)


async def test_every_deletion_waits_for_approval_where_all_need_it(strict: Harness) -> None:
    read = strict.read(await strict.types("/extauth delete EtGoogle0001 --yes"))
    assert "✓ Waiting for approval  EtGoogle0001" in read
    view = await strict.presses_for_dialog(await strict.types("/extauth get EtGitHub0001"), "Delete…")
    assert "✓ Waiting for approval  EtGitHub0001" in strict.read(await strict.sends(view))
    assert strict.calls(DELETE) == []
    first, second = posts(strict)
    await pressed(strict, first, OWNER, "Approve")
    await told(strict, ADMIN, "✓ Deleted from Slack  EtGoogle0001")
    await pressed(strict, second, OWNER, "Decline")
    await told(strict, ADMIN, "✕ Your deletion was declined  EtGitHub0001")
    assert strict.calls(DELETE) == [{"external_token_id": "EtGoogle0001"}]


async def test_all_tokens_of_a_provider(bulk: Harness) -> None:
    post = await request(bulk, "delete --provider-key google")
    assert "asks to delete all `google` tokens" in str(post.blocks)
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, ADMIN, "✓ Deleted from Slack  all google tokens")
    assert bulk.calls(DELETE) == [{"provider_key": "google"}]


async def test_chosen_approvers_are_asked_directly(transport: Transport) -> None:
    settings = {"EXTAUTH_DELETE_APPROVAL": "bulk", "EXTAUTH_DELETE_APPROVERS": f"{OWNER} {ADMIN}"}
    async with open_harness(transport, **settings) as harness:
        view = await harness.opens(f"/extauth {MANY}")
        await harness.workspace.submit(view, {"typed_count": "delete 2 tokens"})
        asked = await told(harness, OWNER, "asks to delete 2 tokens")
        assert f"Extauth asked @{OWNER}" in harness.read(await harness.dialog())
        assert not harness.workspace.messages(ADMIN)
        assert await harness.workspace.press(asked, "Approve")
        await harness.state.until(lambda: "✓ 2 of 2 tokens deleted" in harness.read(view))
        await harness.state.until(lambda: "2 of 2 deleted" in harness.read(asked))


async def test_where_nobody_can_be_asked_nothing_is_deleted(bulk: Harness) -> None:
    bulk.slack.web_api.channel_failures[AUDIT_CHANNEL] = "not_in_channel"
    view = await bulk.opens(f"/extauth {MANY}")
    await bulk.workspace.submit(view, {"typed_count": "delete 2 tokens"})
    await bulk.state.until(lambda: "✕ Extauth couldn't ask for approval" in bulk.read(view))
    assert bulk.calls(DELETE) == []


async def test_nobody_is_asked_about_what_may_be_a_secret(strict: Harness) -> None:
    secret = "q8Zt7Lk2Vn5Xc9Rb3Wm6Yd1Hf4Js0Pg"
    view = await strict.opens(f"/extauth delete {secret}")
    await strict.workspace.submit(view, {"typed_name": secret})
    answer = await told(strict, ADMIN, "✕ Extauth can't ask for approval of this")
    assert "q8Zt… (31 characters)" in strict.read(answer)
    assert secret not in strict.read(answer)
    assert not posts(strict)
    assert strict.calls(DELETE) == []


async def test_forged_values_decide_nothing(bulk: Harness) -> None:
    post = await request(bulk)
    post.blocks[-2]["elements"][0]["value"] = "0" * 32
    await pressed(bulk, post, OWNER, "Approve")
    await told(bulk, OWNER, "Extauth doesn't have this request any more.")
    assert bulk.calls(DELETE) == []
