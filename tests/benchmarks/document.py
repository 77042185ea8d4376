"""docs/benchmarks.md and the README's sentence, made of the results."""

import inspect
import re
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.figures import Results
from tests.benchmarks.process import CONTENDERS, GUIDE, POSTGRESQL, SQLITE
from tests.benchmarks.scenarios import SCENARIOS
from tests.benchmarks.targets import MEASURES, TARGETS, Target
from tests.bot_process import ROOT

KEPT = Path(__file__).parent / "results.json"
"""The figures that the page shows."""
_SENTENCE = re.compile(r"^Over TLS at 25 ms from Slack, .*$", re.MULTILINE)

_INTRODUCTION = """\
# Benchmarks

How fast Extauth is, beside the least that does the same job: take `/extauth get ID`, acknowledge it, call
`apps.auth.external.get`, and post the answer to the `response_url`. Extauth also checks who is asking and records every
step in its audit log before it acts. The others don't. `make bench` measures this and rewrites this page.
"""

_METHOD = """\
## How it's measured

| | |
| --- | --- |
| Extauth on SQLite, on PostgreSQL | `python -m bot` with default settings and an empty database |
| Bolt's guide | an async app as [Bolt for Python's pages](https://docs.slack.dev/tools/bolt-python/) write it |
| best on Bolt | the same with one HTTP session for every call, and an acknowledgement that leaves before the work |
| bare aiohttp | no framework: signature, two calls, one session |

Each runs in a process of its own. Slack is a process that answers at once, or after the time that's given, and sends
the commands. A command counts as acknowledged when Slack has the acknowledgement, and as answered when Slack has the
answer, both since the command was due. Contenders take turns, {rounds} rounds of what doesn't take minutes; the median
is shown. What is 25 ms away is behind a process that passes on every piece 12.5 ms after it came, handshakes included.

Measured on {date}: {machine}, {versions}.
"""


def written(results: Results) -> dict[Path, str]:
    """The files that are made of the results."""
    readme = ROOT / "README.md"
    return {
        KEPT: results.to_json(),
        ROOT / "docs" / "benchmarks.md": document(results),
        readme: _SENTENCE.sub(sentence(results), readme.read_text()),
    }


def sentence(results: Results) -> str:
    """What the README says about speed, in a line of its own."""
    ours, guide = (_cell(results, "far", "answer_p50", one.key) for one in (SQLITE, GUIDE))
    link = f"[Bolt's guide takes {guide}](docs/benchmarks.md)"
    return f"Over TLS at 25 ms from Slack, half of all tokens are fetched within {ours}; {link}."


def document(results: Results) -> str:
    """The whole page."""
    tables = [_scenario(results, name) for name in SCENARIOS if any(key[0] == name for key in results.rounds)]
    return "\n".join([_INTRODUCTION, _targets(results), *tables, _METHOD.format(**results.machine)])


def _targets(results: Results) -> str:
    rows = []
    for target in TARGETS:
        figures = [target.figure(results, contender) for contender in (SQLITE, POSTGRESQL)]
        known = [figure for figure in figures if figure is not None]
        verdict = ("met" if all(map(target.is_met, known)) else "**not met**") if known else "not measured"
        shown = ["" if figure is None else _amount(target, figure) for figure in figures]
        what = f"{SCENARIOS[target.scenario].title}: {MEASURES[target.measure].title}"
        rows.append([what, _limit(target), *shown, verdict])
    return "\n".join(["## Targets", "", _table(["", "target", "on SQLite", "on PostgreSQL", ""], rows)])


def _limit(target: Target) -> str:
    bound = "at least" if MEASURES[target.measure].more_is_better else "at most"
    return f"{bound} {_amount(target, target.limit)} {target.against.title if target.against else ''}".rstrip()


def _amount(target: Target, figure: float) -> str:
    return f"{figure:.2f} ×" if target.against else MEASURES[target.measure].text(figure)


def _scenario(results: Results, name: str) -> str:
    scenario = SCENARIOS[name]
    measured = {(measure, contender) for found, measure, contender in results.rounds if found == name}
    measures = [one for one in MEASURES if any(measure == one for measure, _ in measured)]
    contenders = [one for one in CONTENDERS if any(contender == one.key for _, contender in measured)]
    rows = [
        [MEASURES[one].title, *(_cell(results, name, one, contender.key) for contender in contenders)]
        for one in measures
    ]
    told = " ".join((inspect.getdoc(scenario.run) or "").split())
    heading = ["", *(contender.title for contender in contenders)]
    return "\n".join([f"## {scenario.title}", "", told, "", _table(heading, rows)])


def _cell(results: Results, scenario: str, measure: str, contender: str) -> str:
    median = results.median(scenario, measure, contender)
    return "" if median is None else MEASURES[measure].text(median)


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---", *("---:" for _ in heading[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
