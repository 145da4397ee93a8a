"""What a statistic is where there is nothing to find: retrained models against each other."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from pareto_explorer.audits.statistics.arrays import Values, by_seed, model_values

__all__ = ["beside_floor", "between_seeds", "over_splits"]

SPLITS = 50

Outputs = TypeVar("Outputs")


def beside_floor(
    statistic: Callable[[Values, Values], float], unlearned: ArrayLike, retrained: ArrayLike
) -> tuple[float, float]:
    """Computes a statistic of two groups of models, and its floor with as many models.

    Statistics such as F and KLoM have another expectation for each number of models, and assume
    that models are independent, which two of one seed are not. So the unlearned models of half of
    the seeds meet the retrained ones of the other half, both ways, and for the floor retrained
    models meet retrained ones likewise: N/2 models a side, all of different seeds.

    Args:
        statistic: Of margins of two groups, (N/2, F) each.
        unlearned: Margins, (N, F) with N at least 4; an odd seed at the end is left out.
        retrained: Margins of the same seeds, (N, F).

    Returns:
        The statistic and its floor.

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    u, r = by_seed(unlearned, retrained, least=4)
    half = len(u) // 2
    a, b = slice(0, half), slice(half, 2 * half)
    found = (statistic(u[a], r[b]) + statistic(u[b], r[a])) / 2
    floor = (statistic(r[a], r[b]) + statistic(r[b], r[a])) / 2
    return found, floor


def between_seeds(distance: Callable[[Outputs, Outputs], float], models: list[Outputs]) -> float:
    """Returns the mean distance of the models of two seeds, over all pairs.

    The floor of distances such as `churn` and `js_divergence`, if the models are retrained ones.

    Args:
        distance: Symmetric, of what two models say about the same samples.
        models: That of each model; two or more.
    """
    return float(np.mean([distance(one, other) for one, other in combinations(models, 2)]))


def over_splits(
    statistic: Callable[[Values, Values], float], retrained: ArrayLike, splits: int = SPLITS
) -> Values:
    """Computes a statistic of retrained models against retrained ones, for many random splits.

    Its spread is what a method that retrains would get from as many models, by the draw of its
    seeds alone.

    Args:
        statistic: Of margins of two groups, (N/2, F) each.
        retrained: Margins, (N, F) with N at least 2; of an odd number, each split leaves one out.
        splits: How many.

    Returns:
        Shape (splits,); the same each time.

    Raises:
        InputError: The shape does not fit, or a margin is not finite.
    """
    r = model_values("retrained", retrained, least=2)
    half, draws = len(r) // 2, np.random.default_rng(0)
    orders = [draws.permutation(len(r)) for _ in range(splits)]
    return np.array([statistic(r[order[:half]], r[order[half : 2 * half]]) for order in orders])
