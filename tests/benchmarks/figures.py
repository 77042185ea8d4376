"""What is made of what was measured: percentiles, medians over rounds, ratios, and whether a target is met."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Key = tuple[str, str, str]
"""A scenario, a measure, and a contender."""


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of the values don't exceed (the nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True)
class Results:
    """The figures of every round: what was measured, by scenario, measure and contender."""

    rounds: Mapping[Key, Sequence[float]]

    def median(self, scenario: str, measure: str, contender: str) -> float | None:
        """The median over the rounds; None where that wasn't measured."""
        values = self.rounds.get((scenario, measure, contender))
        return statistics.median(values) if values else None

    def ratio(self, scenario: str, measure: str, contender: str, to: str) -> float | None:
        """How many times what another has; None where either wasn't measured."""
        ours, theirs = self.median(scenario, measure, contender), self.median(scenario, measure, to)
        return ours / theirs if ours is not None and theirs else None
