"""docs/benchmarks.md and the README: that they are made of what was kept, and what they say."""

from tests.benchmarks.document import KEPT, document, sentence, written
from tests.benchmarks.figures import Results
from tests.benchmarks.process import GUIDE, SQLITE
from tests.benchmarks.targets import TARGETS

MACHINE = {"date": "2026-11-24", "rounds": "3", "machine": "Linux, 2 cores", "versions": "Python 3.11"}


def results(ours: float) -> Results:
    rounds = {("far", "answer_p50", SQLITE.key): [ours], ("far", "answer_p50", GUIDE.key): [200.0]}
    return Results(rounds, MACHINE)


def row(page: str) -> str:
    return next(line for line in page.splitlines() if line.endswith("met |") or line.endswith("met** |"))


def test_a_target_is_met_or_not() -> None:
    told = "| Over TLS, 25 ms from Slack: half answered within | at most 0.60 × Bolt's guide |"
    assert row(document(results(120.0))) == f"{told} 0.60 × |  | met |"
    assert row(document(results(121.0))) == f"{told} 0.60 × |  | **not met** |"


def test_what_was_not_measured_is_said_to_be_so() -> None:
    page = document(results(1.0))
    assert page.count("not measured") == len(TARGETS) - 1
    assert "## A burst" not in page


def test_the_readme_has_a_sentence() -> None:
    told = "Over TLS at 25 ms from Slack, half of all tokens are fetched within 100 ms; "
    assert sentence(results(100.0)) == f"{told}[Bolt's guide takes 200 ms](docs/benchmarks.md)."


def test_every_table_has_as_many_cells_in_each_row() -> None:
    for table in document(Results.from_json(KEPT.read_text())).split("\n\n"):
        if table.startswith("|"):
            assert len({line.count(" |") for line in table.splitlines() if not line.startswith("| ---")}) == 1, table


def test_the_docs_show_the_results_that_were_kept() -> None:
    for path, text in written(Results.from_json(KEPT.read_text())).items():
        assert path.read_text() == text, f"{path.name}: python -m tests.benchmarks --rewrite"
