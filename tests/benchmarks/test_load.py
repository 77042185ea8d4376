"""The load, sent to the lightest of the contenders."""

from pathlib import Path

import pytest

from bot.settings import Transport
from tests.benchmarks.fake_slack import FakeSlack
from tests.benchmarks.load import Load
from tests.benchmarks.process import CONTENDERS, Contender, running
from tests.benchmarks.scenarios import Meter

(BARE,) = (contender for contender in CONTENDERS if contender.key == "bare")


@pytest.mark.process
async def test_every_command_is_timed(transport: Transport, tmp_path: Path) -> None:
    async with FakeSlack() as slack, running(BARE, transport, slack, "", tmp_path) as process:
        slack.delay = 0.05
        load, meter = Load(slack, process.port), Meter(process)
        await (load.over_http(6, 3) if transport == "http" else load.over_socket_mode(6))
        assert set(load.sent) == set(load.acknowledged) == set(load.answered) == set(range(6))
        assert slack.calls["apps.auth.external.get"] == 6
        assert min(load.to_acknowledged()) > 0
        assert min(load.to_answered()) >= 50
        assert 0 <= meter.figures(6)["cpu"] < 1000
        assert process.megabytes() > 5
        assert process.started < load.sent[0]


@pytest.mark.process
async def test_a_contender_that_ends_says_why(tmp_path: Path) -> None:
    absent = Contender("absent", "Absent", "tests.benchmarks.contenders.absent")
    with pytest.raises(RuntimeError, match=r"(?s)absent didn't start.*No module named"):
        async with FakeSlack() as slack, running(absent, "http", slack, "", tmp_path):
            pytest.fail("it started")
