"""How fast Extauth is meant to be, beside those who do the same job without keeping a log of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.figures import Results
from tests.benchmarks.process import BARE, GUIDE, POSTGRESQL, SQLITE, Contender


@dataclass(frozen=True)
class Measure:
    """What a figure is: its title and its unit."""

    title: str
    unit: str = ""
    more_is_better: bool = False

    def text(self, value: float) -> str:
        """The figure in three digits, or in as many as it has before the point."""
        digits = max(0, min(2, 2 - math.floor(math.log10(abs(value))))) if value else 0
        return f"{value:,.{digits}f} {self.unit}".strip()


MEASURES: Mapping[str, Measure] = {
    "workspaces": Measure("workspaces served", more_is_better=True),
    "ack_all": Measure("all acknowledged within", "ms"),
    "answer_all": Measure("all answered within", "ms"),
    "answer_p50": Measure("half answered within", "ms"),
    "answer_p99": Measure("99% answered within", "ms"),
    "first_answer": Measure("first answer after", "ms"),
    "memory": Measure("memory then", "MiB"),
    "growth": Measure("memory grows by", "MiB"),
}


@dataclass(frozen=True)
class Target:
    """At most `limit` times what `against` has, or at most `limit` where that is None. More, where more is better."""

    scenario: str
    measure: str
    limit: float
    against: Contender | None = None
    contenders: Sequence[Contender] = (SQLITE, POSTGRESQL)

    def figure(self, results: Results, contender: Contender) -> float | None:
        """What is held against the limit; None where it wasn't measured."""
        if contender not in self.contenders:
            return None
        if self.against is None:
            return results.median(self.scenario, self.measure, contender.key)
        return results.ratio(self.scenario, self.measure, contender.key, self.against.key)

    def is_met(self, figure: float) -> bool:
        return figure >= self.limit if MEASURES[self.measure].more_is_better else figure <= self.limit


TARGETS = (
    Target("far", "answer_p50", 1.2, BARE),
    Target("far", "answer_p50", 0.6, GUIDE),
    Target("burst", "ack_all", 0.6, GUIDE),
    Target("burst", "ack_all", 1500.0),
    Target("burst", "answer_all", 0.9, GUIDE),
    Target("capacity", "workspaces", 300.0),
    Target("start", "first_answer", 2.1, GUIDE, (SQLITE,)),
    Target("start", "first_answer", 2.4, GUIDE, (POSTGRESQL,)),
    Target("start", "memory", 2.0, GUIDE, (SQLITE,)),
    Target("start", "memory", 2.25, GUIDE, (POSTGRESQL,)),
    Target("growth", "growth", 2.0, None, (SQLITE,)),
)
