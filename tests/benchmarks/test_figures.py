"""The arithmetic behind docs/benchmarks.md."""

import pytest

from tests.benchmarks.figures import Results, percentile
from tests.benchmarks.process import GUIDE, SQLITE
from tests.benchmarks.profiled import Function, by_package
from tests.benchmarks.targets import Measure, Target

RESULTS = Results(
    {
        ("burst", "ack_all", SQLITE.key): [90.0, 30.0, 40.0],
        ("burst", "ack_all", GUIDE.key): [100.0, 100.0, 160.0],
        ("capacity", "workspaces", SQLITE.key): [300.0],
    },
    {"date": "2026-11-24"},
)


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (0, 1)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile(range(100, 0, -1), percent) == expected
    assert percentile([7.0], percent) == 7.0


def test_the_median_of_the_rounds_is_compared() -> None:
    assert RESULTS.median("burst", "ack_all", SQLITE.key) == 40.0
    assert RESULTS.ratio("burst", "ack_all", SQLITE.key, GUIDE.key) == 0.4
    assert RESULTS.ratio("burst", "ack_all", SQLITE.key, "bare") is None
    assert RESULTS.median("burst", "answer_all", SQLITE.key) is None


def test_results_are_kept() -> None:
    assert Results.from_json(RESULTS.to_json()) == RESULTS


def test_a_target_is_a_limit_in_the_direction_that_is_better() -> None:
    quick, many = Target("burst", "ack_all", 0.4, GUIDE), Target("capacity", "workspaces", 300)
    assert quick.figure(RESULTS, SQLITE) == 0.4
    assert many.figure(RESULTS, SQLITE) == 300
    assert [quick.is_met(figure) for figure in (0.39, 0.4, 0.41)] == [True, True, False]
    assert [many.is_met(figure) for figure in (299, 300, 301)] == [False, True, True]
    assert Target("burst", "ack_all", 50.0).figure(RESULTS, SQLITE) == 40.0
    assert quick.figure(RESULTS, GUIDE) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 ms"), (0.0312, "0.03 ms"), (1.234, "1.23 ms"), (12.34, "12.3 ms"), (123.4, "123 ms"), (1234.4, "1,234 ms")],
)
def test_a_figure_has_the_digits_that_matter(value: float, text: str) -> None:
    assert Measure("", "ms").text(value) == text


def test_what_is_written_in_c_counts_for_the_package_that_calls_it() -> None:
    ours: Function = ("/home/somebody/bot/logs.py", 1, "redact")
    library: Function = ("/x/python3.11/site-packages/aiohttp/client.py", 2, "_request")
    standard: Function = ("/x/python3.11/json/encoder.py", 3, "encode")
    in_c: Function = ("~", 0, "<method 'sub' of 're.Pattern' objects>")
    stats = {
        ours: (1, 1, 1.0, 4.0, {}),
        library: (1, 1, 2.0, 2.0, {}),
        standard: (1, 1, 0.5, 0.5, {}),
        in_c: (5, 5, 4.0, 4.0, {ours: (3, 3, 3.0, 3.0), library: (2, 2, 1.0, 1.0)}),
    }
    assert by_package(stats) == {"bot.logs": 4.0, "aiohttp": 3.0, "Python's json": 0.5}
