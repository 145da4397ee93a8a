"""How sure a statistic is: the jackknife over training seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from pareto_explorer.audits.statistics.arrays import Values

__all__ = ["Estimate", "estimate", "jackknife", "minimum_detectable"]


@dataclass(frozen=True)
class Estimate:
    """A statistic of N seeds.

    Attributes:
        value: With all seeds.
        se: Its standard error; samples of one model are no independent draws, seeds are.
        seeds: N.
    """

    value: float
    se: float
    seeds: int

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Value plus and minus the standard error times Student's t with N - 1 degrees."""
        reach = float(stdtrit(self.seeds - 1, (1 + level) / 2)) * self.se
        return self.value - reach, self.value + reach


def jackknife(statistic: Callable[..., float], *roles: Values) -> Estimate:
    """Computes a statistic, and its standard error by leaving out each seed in turn.

    A seed goes from all roles at once, since models of one seed share initial weights and order of
    samples. Source: Efron and Stein, "The jackknife estimate of variance" (Annals of Statistics 9,
    1981).

    Args:
        statistic: Of arrays with one row per seed.
        roles: Those arrays, (N, ...) each with N at least 2.
    """
    seeds = len(roles[0])
    without = [
        statistic(*(np.delete(values, seed, axis=0) for values in roles)) for seed in range(seeds)
    ]
    return estimate(statistic(*roles), np.array(without))


def estimate(value: float, without: Values) -> Estimate:
    """The estimate of a statistic whose values without each seed are known, (N,)."""
    n = len(without)
    variance = (n - 1) / n * ((without - without.mean()) ** 2).sum()
    return Estimate(float(value), float(np.sqrt(variance)), n)


def minimum_detectable(se: float) -> float:
    """Returns the accuracy of an attack that an audit would have noticed.

    With a power of .8 at a two-sided level of .05: ½ + (1.96 + .84) standard errors.
    """
    return 0.5 + 2.8 * se
