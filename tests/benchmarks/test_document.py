"""docs/benchmarks.md and its plot: what they're made of, and that they are made of what was kept."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from tests.benchmarks import document as document_module
from tests.benchmarks.commands import KEPT, written
from tests.benchmarks.document import document
from tests.benchmarks.figures import Results
from tests.benchmarks.plot import DARK, LIGHT, svg
from tests.benchmarks.targets import GUIDE, SQLITE, TARGETS

MACHINE = {"date": "2026-11-24", "rounds": "3", "machine": "Linux, 2 cores", "versions": "Python 3.11"}
SVG = "{http://www.w3.org/2000/svg}"


def results(ours: float) -> Results:
    rounds = {("burst", "ack_p99", SQLITE): [ours], ("burst", "ack_p99", GUIDE): [1000.0]}
    return Results(rounds, {"burst": MACHINE})


def row(page: str) -> str:
    return next(line for line in page.splitlines() if "A burst over Socket Mode: 99%" in line)


def test_a_target_that_is_missed_is_explained_until_it_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_module, "TARGETS", (replace(TARGETS[0], why_not="Because."), *TARGETS[1:]))
    missed, met = document(results(401.0)), document(results(400.0))
    assert row(missed).endswith("| at most 0.40 × Bolt's guide | 0.40 × |  | **not met** |")
    assert "99% acknowledged within: Because." in missed
    assert row(met).endswith("| 0.40 × ✓ |  | met |")
    assert "Because." not in met


def test_what_was_not_measured_is_said_to_be_so() -> None:
    page = document(results(1.0))
    assert page.count("not measured") == len(TARGETS) - 1
    assert "## One at a time" not in page


def test_every_table_has_as_many_cells_in_each_row() -> None:
    for table in document(Results.from_json(KEPT.read_text())).split("\n\n"):
        if table.startswith("|"):
            assert len({line.count(" |") for line in table.splitlines() if line.startswith("| ---") is False}) == 1, (
                table
            )


def test_the_bars_are_as_long_as_their_figures() -> None:
    picture = ElementTree.fromstring(svg(results(250.0), LIGHT))
    ours, theirs = (float(bar.attrib["width"]) for bar in picture.iter(f"{SVG}rect"))
    assert ours / theirs == pytest.approx(0.25, abs=0.001)
    described = {str(picture.findtext(f"{SVG}{name}")) for name in ("title", "desc")}
    assert all(described)
    assert picture.attrib["role"] == "img"
    texts = [element.text for element in picture.iter(f"{SVG}text")]
    assert {"Extauth on SQLite", "250 ms", "1,000 ms"} <= set(texts)


def test_light_and_dark_differ_in_nothing_but_colors() -> None:
    light, dark = svg(results(250.0), LIGHT), svg(results(250.0), DARK)
    assert light != dark
    for mine, theirs in zip(vars(LIGHT).values(), vars(DARK).values(), strict=True):
        light = light.replace(mine, theirs)
    assert light == dark


def test_the_docs_show_the_results_that_were_kept() -> None:
    for path, text in written(Results.from_json(KEPT.read_text())).items():
        assert path.read_text() == text, f"{path.name}: python -m tests.benchmarks.commands --write --only ''"
