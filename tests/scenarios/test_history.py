"""`/extauth history`: who did what, to which token or provider, page by page."""

import pytest

from bot.sandbox.slack.state import Message
from bot.settings import Transport
from tests.harness import GUEST, MEMBER, OWNER, Harness, open_harness, over_both_transports


def deeds(harness: Harness, message: Message) -> list[str]:
    """Return the lines of a page, without their times and references."""
    lines = [line for line in harness.read(message).splitlines() if " · " in line]
    return [line.split(" · ", 1)[1].rsplit(" · ", 1)[0] for line in lines]


async def everybody_works(harness: Harness) -> None:
    """Six entries: of two people, three tokens, and a provider."""
    await harness.types("/extauth get EtGoogle0001")
    await harness.types("/extauth get EtGoogle0001 --force-refresh", OWNER)
    await harness.types("/extauth get EtErr.invalid_auth")
    await harness.types("/extauth delete EtGitHub0001 --yes")
    view = await harness.opens("/extauth delete --provider-key google", OWNER)
    await harness.sends(view, typed_name="google")
    await harness.types("/extauth get EtGoogle0001", GUEST)


GUESTS = "@U0GUEST · get EtGoogle0001 · denied (guest)"
BULK = "@U0OWNER · delete provider google · deleted"
DELETED = "@U0ADMIN · delete EtGitHub0001 · deleted"
FAILED = "@U0ADMIN · get EtErr.invalid_auth · failed: invalid_auth"
REFRESHED = "@U0OWNER · get EtGoogle0001, refreshed · fetched"
FETCHED = "@U0ADMIN · get EtGoogle0001 · fetched"


async def test_each_question_has_its_answer(harness: Harness) -> None:
    await everybody_works(harness)
    for words, title, expected in (
        ("", "Last 6 audit log entries", [GUESTS, BULK, DELETED, FAILED, REFRESHED, FETCHED]),
        ("2", "Last 2 audit log entries", [GUESTS, BULK]),
        ("EtGoogle0001", "Last 3 audit log entries for EtGoogle0001", [GUESTS, REFRESHED, FETCHED]),
        ("`EtGitHub0001`,", "Last audit log entry for EtGitHub0001", [DELETED]),
        ("--provider-key google", "Last audit log entry for provider google", [BULK]),
        ("@olivia", "Last 2 audit log entries by @U0OWNER", [BULK, REFRESHED]),
        ("U0GUEST", "Last audit log entry by @U0GUEST", [GUESTS]),
        ("1 @ada", "Last audit log entry by @U0ADMIN", [DELETED]),
        ("<@U0ADMIN> EtGoogle0001", "Last audit log entry for EtGoogle0001 by @U0ADMIN", [FETCHED]),
        ("--user=@olivia provider_key=google", "Last audit log entry for provider google by @U0OWNER", [BULK]),
        ("EtNobodys", "The audit log has no entries for EtNobodys in this workspace.", []),
        ("@max", "The audit log has no entries by @U0MEMBER in this workspace.", []),
    ):
        message = await harness.types(f"/extauth history {words}")
        assert harness.read(message).splitlines()[0].strip("*") == title
        assert deeds(harness, message) == expected, words


@over_both_transports
async def test_older_and_newer_go_through_what_was_found(harness: Harness) -> None:
    for number in range(5):
        await harness.types("/extauth get EtGoogle0001")
        await harness.types(f"/extauth get EtNone{number}", OWNER)
    first = await harness.types("/extauth history 2 EtGoogle0001")
    assert "[Older]" in harness.read(first)
    assert "[Newer]" not in harness.read(first)
    times = [harness.read(first)]
    second = await harness.presses(first, "Older")
    assert "Older 2 audit log entries for EtGoogle0001" in harness.read(second)
    assert "[Newer] [Older]" in harness.read(second)
    third = await harness.presses(second, "Older")
    assert "[Newer]" in harness.read(third)
    assert "[Older]" not in harness.read(third)
    assert len(deeds(harness, third)) == 1
    back = await harness.presses(third, "Newer")
    assert "Newer 2 audit log entries for EtGoogle0001" in harness.read(back)
    assert harness.read(back).splitlines()[1:3] == harness.read(second).splitlines()[1:3]
    front = await harness.presses(back, "Newer")
    assert harness.read(front).splitlines()[1:3] == times[0].splitlines()[1:3]
    assert "[Newer]" not in harness.read(front)
    assert "EtNone" not in "".join(harness.read(page) for page in (first, second, third, back, front))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        *((n, "N must be a number from 1 to 25") for n in ("0", "26", "9" * 30)),
        ("-1", "has no option"),
        ("count=ten", "N must be a number from 1 to 25, not “ten”."),
        ("ten", "Did you mean /extauth history --provider-key ten?"),
        ("٣", "It can't have “٣”"),
        ("@nobody", "Slack didn't say who “@nobody” is. Type @ and pick the person from the list"),
        ("--user ada", "Slack didn't say who “@ada” is."),
        ("#general", "It can't have “#”"),
        ("ada@acme.com", "It can't have “@”"),
        ("https://acme.com/Et1", "It can't have “:”"),
        ("a1b2c3d4e5", "Check the token ID. “a1b2… (10 characters)” doesn't look like one."),
        ("--provider-key a1b2c3d4e5", "Check the provider key. “a1b2… (10 characters)” doesn't look like one."),
        ("Et1 --provider-key google", "✕ Use a token ID or a provider key. No entry has both."),
    ],
)
async def test_what_cannot_be_looked_up_is_told(harness: Harness, words: str, says: str) -> None:
    read = harness.read(await harness.types(f"/extauth history {words}"))
    assert says in read
    assert "Usage: /extauth history [N] [ID | @PERSON] [--provider-key KEY]" in read


async def test_an_app_that_does_not_escape_names_says_how_to_name_somebody(transport: Transport) -> None:
    async with open_harness(transport) as harness:
        harness.state.should_escape = False
        await harness.types("/extauth get EtGoogle0001")
        read = harness.read(await harness.types("/extauth history @ada"))
        assert "or use their member ID, such as U012ABCDEF" in read
        assert deeds(harness, await harness.types("/extauth history U0ADMIN")) == [FETCHED]


async def test_only_those_with_permission_see_it_and_a_denial_says_what_was_asked_for(harness: Harness) -> None:
    await harness.types("/extauth get EtGoogle0001")
    for user, words in ((MEMBER, "EtGoogle0001"), (GUEST, "@ada"), (MEMBER, "--provider-key google"), (GUEST, "")):
        read = harness.read(await harness.types(f"/extauth history {words}", user))
        assert "You don't have permission to see the audit log" in read.splitlines()[0]
        assert "EtGoogle0001" not in read
        assert "google" not in read
    assert deeds(harness, await harness.types("/extauth history")) == [
        "@U0GUEST · history · denied (guest)",
        "@U0MEMBER · history provider google · denied (not listed)",
        "@U0GUEST · history by @U0ADMIN · denied (guest)",
        "@U0MEMBER · history EtGoogle0001 · denied (not listed)",
        FETCHED,
    ]
    # Who asked about a token belongs to its history.
    assert len(deeds(harness, await harness.types("/extauth history EtGoogle0001"))) == 2


async def test_a_button_of_an_older_version_says_so(harness: Harness) -> None:
    for _ in range(2):
        await harness.types("/extauth get EtGoogle0001")
    message = await harness.types("/extauth history 1")
    button = next(block for block in message.blocks if block["type"] == "actions")["elements"][0]
    for value in ("12 1", button["value"].replace('"count":1', '"count":1,"team_id":"T0OTHER"')):
        button["value"] = value
        assert "older version" in harness.read(await harness.presses(message, "Older"))


async def test_another_workspace_stays_unseen(harness: Harness) -> None:
    await harness.types("/extauth get EtGoogle0001")
    here, harness.workspace.team_id = harness.workspace.team_id, "T0ELSEWHERE"
    await harness.types("/extauth get EtGoogle0001")
    harness.workspace.team_id = here
    for words in ("", "EtGoogle0001", "@ada"):
        assert deeds(harness, await harness.types(f"/extauth history {words}")) == [FETCHED]
