"""docs/benchmarks.md, made of the results: rewritten by every run, with the explanations that the targets carry."""

import inspect
from collections.abc import Sequence

from tests.benchmarks.figures import Results
from tests.benchmarks.process import CONTENDERS, DESIGNS
from tests.benchmarks.scenarios import SCENARIOS, SLOW_SCENARIOS
from tests.benchmarks.targets import BARE, GUIDE, MEASURES, POSTGRESQL, SQLITE, TARGETS, Target

TITLES = {contender.key: contender.title for contender in (*CONTENDERS, *DESIGNS)}
_COMPARED = ((SQLITE, GUIDE), (SQLITE, BARE), tuple(design.key for design in DESIGNS))
_EVERY = {**SCENARIOS, **SLOW_SCENARIOS}

_INTRODUCTION = """\
# Benchmarks

How fast Extauth is, beside the least that does the same job: take `/extauth get ID`, acknowledge it, call
`apps.auth.external.get`, and post the answer to the `response_url`. Extauth also checks who is asking and records every
step in its audit log before it acts. The others don't.

`make bench` measures this and rewrites this page. `make bench GROWTH=1` also measures how memory grows.

<picture>
  <source media="(prefers-color-scheme: dark)" srcset="benchmarks-dark.svg">
  <img alt="{alt}" src="benchmarks.svg" width="900">
</picture>
"""

_METHOD = """\
## How it's measured

| | |
| --- | --- |
| Extauth on SQLite, on PostgreSQL | `python -m bot` with default settings and an empty database |
| Bolt's guide | an async app as [Bolt for Python's pages](https://docs.slack.dev/tools/bolt-python/) write it |
| bare aiohttp | no framework: signature, two calls, one shared session |

Each runs in a process of its own. Slack is a process that answers with bytes made beforehand and sends the commands. A
command counts as acknowledged when Slack has the acknowledgement, and as answered when Slack has the answer, both since
the command was due. CPU is the contender's, user and system, without the PostgreSQL server's. "Waited for a core" is
the share of the time in which a contender could have run and something else did: the higher it is, the less its
latencies mean. Contenders take turns, {rounds} rounds of each scenario; what's shown is the median of the rounds.

Measured on {date}: {machine}, {versions}.
"""


def document(results: Results) -> str:
    """The whole page."""
    machine = results.machines.get("burst") or next(iter(results.machines.values()))
    parts = [
        _INTRODUCTION.format(alt=alternative(results)),
        _targets(results),
        *(_scenario(results, name) for name in _EVERY if name in results.machines),
        _METHOD.format(**machine),
    ]
    return "\n".join(parts)


def alternative(results: Results) -> str:
    """The plot in words."""
    told = []
    for scenario, measure, words in (
        ("burst", "ack_p99", "99% of a burst are acknowledged within {0} by Extauth on SQLite, {1} by Bolt's guide"),
        ("burst", "cpu", "a command costs {0} of CPU, {1} by Bolt's guide"),
        ("start-http", "memory", "at rest it takes {0} of memory, Bolt's guide {1}"),
    ):
        figures = [results.median(scenario, measure, contender) for contender in (SQLITE, GUIDE)]
        told.append(words.format(*("?" if one is None else MEASURES[measure].text(one) for one in figures)))
    return f"Bars: {'; '.join(told)}. The tables in docs/benchmarks.md have every figure."


def _targets(results: Results) -> str:
    rows, reasons = [], []
    for target in TARGETS:
        figures = {contender: target.figure(results, contender) for contender in (SQLITE, POSTGRESQL)}
        known = [figure for figure in figures.values() if figure is not None]
        is_met = all(target.is_met(figure) for figure in known)
        verdict = ("met" if is_met else "**not met**") if known else "not measured"
        shown = [_held_against(target, figure) for figure in figures.values()]
        rows.append([f"{_title(target.scenario)}: {MEASURES[target.measure].title}", _limit(target), *shown, verdict])
        if known and not is_met and target.why_not:
            reasons.append(f"- {_title(target.scenario)}, {MEASURES[target.measure].title}: {target.why_not}")
    table = _table(["", "target", "on SQLite", "on PostgreSQL", ""], rows)
    return "\n".join(["## Targets", "", table, *(["Why not:", "", *reasons, ""] if reasons else [])])


def _limit(target: Target) -> str:
    measure = MEASURES[target.measure]
    bound = "at least" if measure.more_is_better else "at most"
    if target.against is None:
        return f"{bound} {measure.text(target.limit)}"
    return f"{bound} {target.limit:.2f} × {TITLES[target.against]}"


def _held_against(target: Target, figure: float | None) -> str:
    if figure is None:
        return ""
    told = MEASURES[target.measure].text(figure) if target.against is None else f"{figure:.2f} ×"
    return f"{told} ✓" if target.is_met(figure) else told


def _title(scenario: str) -> str:
    return _EVERY[scenario].title


def _scenario(results: Results, name: str) -> str:
    measures = [one for one in MEASURES if any(key[:2] == (name, one) for key in results.rounds)]
    contenders = [one for one in TITLES if any(key[0] == name and key[2] == one for key in results.rounds)]
    pairs = [pair for pair in _COMPARED if {*pair} <= {*contenders}]
    rows = []
    for measure in measures:
        medians = [results.median(name, measure, contender) for contender in contenders]
        cells = ["" if median is None else MEASURES[measure].text(median) for median in medians]
        compared = [_times(results.ratio(name, measure, one, other)) for one, other in pairs]
        rows.append([MEASURES[measure].title, *cells, *compared])
    others = [f"{TITLES[one].removeprefix('Extauth on ')} ÷ {TITLES[other]}" for one, other in pairs]
    heading = ["", *(TITLES[contender] for contender in contenders), *others]
    told = " ".join((inspect.getdoc(_EVERY[name].run) or "").split())
    return "\n".join([f"## {_title(name)}", "", told, "", _table(heading, rows)])


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---", *("---:" for _ in heading[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
