"""What is made of what was measured: percentiles, medians over the rounds, and ratios."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Key = tuple[str, str, str]
"""A scenario, a measure, and a contender."""


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of the values that so many percent of them don't exceed (the nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True)
class Results:
    """The figures of every round, and what they were measured on."""

    rounds: Mapping[Key, Sequence[float]]
    machine: Mapping[str, str] = field(default_factory=dict)

    def median(self, scenario: str, measure: str, contender: str) -> float | None:
        """The median over the rounds; None where that wasn't measured."""
        values = self.rounds.get((scenario, measure, contender))
        return statistics.median(values) if values else None

    def ratio(self, scenario: str, measure: str, contender: str, to: str) -> float | None:
        """How many times what another has; None where either wasn't measured."""
        ours, theirs = self.median(scenario, measure, contender), self.median(scenario, measure, to)
        return ours / theirs if ours is not None and theirs else None

    def to_json(self) -> str:
        """As text, in an order that doesn't depend on that of the run."""
        rounds = {"/".join(key): list(values) for key, values in sorted(self.rounds.items())}
        return json.dumps({"machine": self.machine, "rounds": rounds}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Results":
        """Read what `to_json` wrote."""
        found = json.loads(text)
        rounds = {tuple(key.split("/")): values for key, values in found["rounds"].items()}
        return cls(rounds, found["machine"])
