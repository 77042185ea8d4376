"""Everything that can happen to a request for approval, in every order of two, and of three in `make long`: what is
deleted, and how often.
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
EVENTS = (*CLICKS, "an hour passes", "the approver loses their standing", "the requester loses theirs")


@dataclass
class ExpectedEnd:
    """The end that one request must come to."""

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


async def clicks(harness: Harness, post: Post, event: str, expected: ExpectedEnd) -> None:
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
    expected, (post, doomed) = ExpectedEnd(), await asks(harness, number)
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


@pytest.mark.parametrize(("transport", "length"), [("socket", 2), pytest.param("http", 3, marks=pytest.mark.long)])
@pytest.mark.parametrize("first", EVENTS)
async def test_at_most_one_execution_and_only_by_a_valid_approval(
    first: str, length: int, transport: Transport
) -> None:
    async with open_harness(transport, **SETTINGS, EXTAUTH_DELETE_APPROVAL="bulk") as harness:
        harness.slack.web_api.rate_limits.is_on = False
        harness.state.people[OWNER].is_primary_owner = False
        for number, events in enumerate(permutations(EVENTS, length)):
            if events[0] != first:
                continue
            for user in (ADMIN, OWNER):
                harness.state.people[user].is_admin = True
            harness.clock.advance(61)
            await goes_through(harness, number, events)
