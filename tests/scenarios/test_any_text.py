"""Whatever is typed after /extauth is answered, and Slack is asked for nothing that was not typed."""

import asyncio
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.commands.test_parser import TYPED
from tests.harness import ADMIN, Harness, open_harness

PATIENT = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
IN_PROGRESS = re.compile(r"^(Fetching|Refreshing|Deleting|Checking) .*…$", re.MULTILINE)
OFTEN_UNDERSTOOD = st.builds(
    " ".join,
    st.tuples(
        st.sampled_from(["get", "delete", "Get"]),
        st.sampled_from(["Et1", "`EtGoogle0001`", "a b", "provider_key=google", "--app-id A1", ""]),
        st.sampled_from(["", "--yes", "—force-refresh", "force_refresh=false", "--show", "--provider-key google"]),
    ),
)


@pytest.fixture(params=["socket", "http"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[asyncio.Runner, Harness]]:
    """A bot that serves while a test that is not async runs many examples."""
    with asyncio.Runner() as runner:
        opening = open_harness(request.param)
        harness = runner.run(opening.__aenter__())
        harness.slack.web_api.rate_limits.is_on = False
        yield runner, harness
        runner.run(opening.__aexit__(None, None, None))


async def _type(harness: Harness, text: str) -> str:
    """Return the text that the person reads."""
    seen = {message.ts for message in harness.workspace.messages(ADMIN)}

    def answer() -> str:
        view = harness.workspace.dialog(ADMIN)
        if view is not None:
            return harness.read(view)
        return "\n".join(harness.read(new) for new in harness.workspace.messages(ADMIN) if new.ts not in seen)

    assert await harness.workspace.command(ADMIN, f"/extauth {text}")
    await harness.state.until(lambda: bool(answer()) and IN_PROGRESS.search(answer()) is None)
    read = answer()
    view = harness.workspace.dialog(ADMIN)
    if view is not None:
        harness.workspace.close(view)
    return read


@PATIENT
@given(st.one_of(TYPED, OFTEN_UNDERSTOOD))
def test_any_text_is_answered_and_asks_slack_for_nothing_else(
    served: tuple[asyncio.Runner, Harness], text: str
) -> None:
    runner, harness = served
    harness.state.traffic.clear()

    read = runner.run(_type(harness, text))

    assert "Something went wrong in Extauth" not in read
    for method in ("get", "delete"):
        for arguments in harness.calls(f"apps.auth.external.{method}"):
            assert re.search(method, text, re.IGNORECASE)
            for name, value in arguments.items():
                assert isinstance(value, bool) or value in text
                assert name == "external_token_id" or name.replace("_", "") in re.sub(r"[^a-z]", "", text.lower())
