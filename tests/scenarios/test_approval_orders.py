"""Everything that can happen to a request for approval, in every order of three: what is deleted, and how often.

Half of the orders come over each transport, so that each event comes first, second and third, and right after each
other, over both.
"""

import asyncio
from dataclasses import dataclass, field, replace
from itertools import permutations

import pytest

from bot.access import APPROVAL_SECONDS
from bot.sandbox.slack.channels import Post
from bot.settings import Transport
from tests.harness import ADMIN, MEMBER, OWNER, Harness, open_harness
from tests.scenarios.test_approval import DELETE, SETTINGS, current, posts

CLICKS = {
    "approve": [(OWNER, "Approve")],
    "approve twice": [(OWNER, "Approve"), (OWNER, "Approve")],
    "approve one's own": [(ADMIN, "Approve")],
    "approve without permission": [(MEMBER, "Approve")],
    "decline": [(OWNER, "Decline")],
}
TRANSPORTS: tuple[Transport, ...] = ("socket", "http")
EVENTS = (*CLICKS, "an hour passes", "the approver loses their standing", "the requester loses theirs")


def orders(first: str, transport: Transport) -> list[tuple[str, ...]]:
    """Those that begin with an event, over one transport."""
    over_http = transport == "http"
    return [
        events
        for events in permutations(EVENTS, 3)
        if events[0] == first and sum(map(EVENTS.index, events)) % 2 == over_http
    ]


@dataclass
class Expected:
    """What is to become of one request."""

    standing: set[str] = field(default_factory=lambda: {ADMIN, OWNER})
    is_over: bool = False
    is_decided: bool = False
    deleted: int = 0
    said: str = "Approve"

    def click(self, user: str, label: str) -> bool:
        """Note a click. Returns whether it decides."""
        if user not in self.standing or self.is_over or self.is_decided or (user == ADMIN and label == "Approve"):
            return False
        self.is_decided = True
        if label == "Approve":
            self.deleted = 2 if ADMIN in self.standing else 0
        self.said = f"{self.deleted} of 2 deleted, approved by" if label == "Approve" else "Declined by"
        return True


async def asks(harness: Harness, number: int) -> tuple[Post, list[str]]:
    """Connect two accounts, and ask for their deletion."""
    doomed = [f"EtRound{number:04d}{which}" for which in "AB"]
    for token_id in doomed:
        like = harness.state.tokens["EtGoogle0001"]
        harness.state.tokens[token_id] = replace(like, token_id=token_id, value=f"ya29.{token_id}")
    before = len(posts(harness))
    view = await harness.opens(f"/extauth delete {' '.join(doomed)}")
    await harness.workspace.submit(view, {"typed_count": "delete 2 tokens"})
    await harness.state.until(lambda: "Waiting for approval" in harness.read(view))
    harness.workspace.close(view)
    assert len(posts(harness)) == before + 1
    return posts(harness)[-1], doomed


async def clicks(harness: Harness, post: Post, event: str, expected: Expected) -> None:
    """Click, and wait until each click has had its effect or its answer."""
    before = {user: len(harness.workspace.messages(user)) for user, _ in CLICKS[event]}
    refused = [user for user, label in CLICKS[event] if not expected.click(user, label)]
    await asyncio.gather(*(harness.workspace.press_post(post, user, label) for user, label in CLICKS[event]))
    await harness.state.until(
        lambda: (
            all(len(harness.workspace.messages(user)) >= before[user] + refused.count(user) for user in refused)
            and (len(refused) == len(CLICKS[event]) or expected.said in current(harness, post))
        )
    )


async def goes_through(harness: Harness, number: int, events: tuple[str, ...]) -> None:
    """Ask for a deletion, let all that happen to it, and compare."""
    expected, (post, doomed) = Expected(), await asks(harness, number)
    for event in events:
        if event in CLICKS:
            await clicks(harness, post, event, expected)
        elif event == "an hour passes":
            expected.is_over = True
            harness.clock.advance(APPROVAL_SECONDS)
        else:
            user = OWNER if "approver" in event else ADMIN
            expected.standing.discard(user)
            harness.demote(user)
    sent = [call["external_token_id"] for call in harness.calls(DELETE) if call["external_token_id"] in doomed]
    assert sorted(sent) == doomed[: expected.deleted], events
    assert expected.said in current(harness, post) or expected.is_over, events


def test_every_order_is_tried_and_over_each_transport_each_event_follows_each_other() -> None:
    over = {chosen: [events for first in EVENTS for events in orders(first, chosen)] for chosen in TRANSPORTS}
    assert sorted(over["socket"] + over["http"]) == sorted(permutations(EVENTS, 3))
    for tried in over.values():
        assert {events[:2] for events in tried} == {events[1:] for events in tried} == {*permutations(EVENTS, 2)}


@pytest.mark.parametrize("first", EVENTS)
async def test_at_most_one_execution_and_only_by_a_valid_approval(first: str, transport: Transport) -> None:
    async with open_harness(transport, **SETTINGS, EXTAUTH_DELETE_APPROVAL="bulk") as harness:
        harness.slack.web_api.rate_limits.is_on = False
        harness.state.people[OWNER].is_primary_owner = False
        for number, events in enumerate(orders(first, transport)):
            for user in (ADMIN, OWNER):
                harness.state.people[user].is_admin = True
            harness.clock.advance(61)
            await goes_through(harness, number, events)
