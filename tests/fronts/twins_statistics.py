"""Slow twins of the statistics over replicates, in plain Python, written from the definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, product
from math import floor
from statistics import NormalDist, fmean

from tests.fronts.twins import Point, front_mask

Row = Mapping[str, object]


def bca(
    values: Sequence[float], draws: Sequence[Sequence[int]], level: float
) -> tuple[float, float]:
    """Efron and Tibshirani (1993), equations 14.10 to 14.15, with given resamples."""
    normal, n, mean = NormalDist(), len(values), fmean(values)
    means = sorted(fmean(values[i] for i in draw) for draw in draws)
    below = sum(m < mean - 1e-12 for m in means) + sum(abs(m - mean) <= 1e-12 for m in means) / 2
    z0 = normal.inv_cdf(below / len(means))
    left_out = [fmean(v for j, v in enumerate(values) if j != i) for i in range(n)]
    centre = fmean(left_out)
    acceleration = sum((centre - x) ** 3 for x in left_out) / (
        6 * sum((centre - x) ** 2 for x in left_out) ** 1.5
    )

    def bound(tail: float) -> float:
        z = z0 + normal.inv_cdf(tail)
        position = normal.cdf(z0 + z / (1 - acceleration * z)) * (len(means) - 1)
        i = min(floor(position), len(means) - 2)
        return means[i] + (position - i) * (means[i + 1] - means[i])

    return bound((1 - level) / 2), bound((1 + level) / 2)


def max_t(rows: Sequence[Sequence[float]]) -> list[float]:
    """Westfall and Young (1993), algorithm 4.1, over every sign flip of the columns."""

    def statistic(row: Sequence[float], signs: Sequence[int]) -> float:
        return abs(sum(s * d for s, d in zip(signs, row, strict=True)))

    n = len(rows[0])
    observed = [statistic(row, [1] * n) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: -observed[i])
    flips = list(product([1, -1], repeat=n))
    corrected = [0.0] * len(rows)
    before = 0.0
    for position, i in enumerate(order):
        rivals = order[position:]
        extreme = [
            max(statistic(rows[j], signs) for j in rivals) >= observed[i] - 1e-9 for signs in flips
        ]
        before = corrected[i] = max(before, sum(extreme) / len(flips))
    return corrected


def signed_rank(differences: Sequence[float]) -> float:
    """The share of all sign flips whose rank sum is at least as lopsided; zeros dropped."""
    kept = [d for d in differences if d]
    ranks = [
        sum(abs(e) < abs(d) for e in kept) + (1 + sum(abs(e) == abs(d) for e in kept)) / 2
        for d in kept
    ]
    observed = abs(sum(r if d > 0 else -r for r, d in zip(ranks, kept, strict=True)))
    flips = list(product([1, -1], repeat=len(kept)))
    extreme = [
        abs(sum(s * r for s, r in zip(signs, ranks, strict=True))) >= observed for signs in flips
    ]
    return sum(extreme) / len(flips)


def chosen_volume(
    choose: Sequence[Mapping[int, Point]],
    measure: Mapping[int, Point],
    volume: Callable[[Sequence[Point]], float],
) -> float:
    """The volume, in one replicate, of the checkpoints whose means over others are non-dominated.

    Args:
        choose: For each replicate that chooses, the points of its usable checkpoints.
        measure: The same for the replicate that is measured in.
        volume: Of some points.
    """
    candidates = sorted(set.intersection(*(set(points) for points in choose)))
    means = [
        [fmean(column) for column in zip(*(points[c] for points in choose), strict=True)]
        for c in candidates
    ]
    front = [c for c, on_front in zip(candidates, front_mask(means), strict=True) if on_front]
    return volume([measure[c] for c in front if c in measure])


def gap_between(a: Mapping[str, float], b: Mapping[str, float], parts: Sequence[str]) -> float:
    """The mean absolute difference of some metrics of two models."""
    return fmean(abs(a[part] - b[part]) for part in parts)


def mean_over_pairs(
    models: Sequence[Mapping[str, float]],
    distance: Callable[[Mapping[str, float], Mapping[str, float]], float],
) -> float:
    """The mean distance of two different models."""
    return fmean(distance(a, b) for a, b in combinations(models, 2))
