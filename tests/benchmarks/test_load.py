"""The load and the network, with the lightest of the contenders."""

import pytest

from tests.benchmarks.fake_slack import TEAM
from tests.benchmarks.load import Load
from tests.benchmarks.process import BARE, BEST, GUIDE, Contender, open_trial, running
from tests.benchmarks.relay import ROUND_TRIP, far_away


@pytest.mark.process
@pytest.mark.parametrize(("over", "contender"), [("http", BARE), ("rate", BEST), ("socket", BEST), ("socket", GUIDE)])
async def test_every_command_is_timed(over: str, contender: Contender) -> None:
    async with open_trial(contender) as trial:
        trial.slack.delay = 0.05
        async with running(trial, "socket" if over == "socket" else "http") as process:
            load = Load(trial.slack, process.port)
            if over == "socket":
                await load.over_socket_mode(6)
            elif over == "rate":
                await load.at_rate(6, 50, [TEAM])
            else:
                await load.over_http(6, 3)
            assert set(load.sent) == set(load.acknowledged) == set(load.answered) == set(range(6))
            assert trial.slack.calls["apps.auth.external.get"] == 6
            assert min(load.to_acknowledged()) > 0
            assert min(load.to_answered()) >= 50
            assert process.megabytes() > 5
            assert process.started < load.sent[0]


@pytest.mark.process
async def test_a_far_away_slack_costs_round_trips() -> None:
    """A new connection takes one for TCP and one for TLS; each request takes one, but for the last's way back."""
    async with (
        open_trial(BARE) as trial,
        far_away(trial.slack, trial.folder) as certificate,
        running(trial, "http", SSL_CERT_FILE=str(certificate)) as process,
    ):
        load = Load(trial.slack, process.port)
        await load.over_http(2, 1)
        first, second = load.to_answered()
        assert first >= (2 + 1.5) * ROUND_TRIP * 1000
        assert second >= 1.5 * ROUND_TRIP * 1000
        assert trial.slack.base_url.startswith("https://")


@pytest.mark.process
async def test_a_contender_that_ends_says_why() -> None:
    absent = Contender("absent", "Absent", "tests.benchmarks.contenders.absent")
    with pytest.raises(RuntimeError, match=r"(?s)absent didn't start.*No module named"):
        async with open_trial(absent) as trial, running(trial, "http"):
            pytest.fail("it started")
