"""Which families the replicates tell apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.objectives import require_same_box
from pareto_explorer.fronts.resampling import Interval, intervals
from pareto_explorer.fronts.sign_flips import max_t, signed_rank
from pareto_explorer.fronts.words import listing

if TYPE_CHECKING:
    from pareto_explorer.fronts.families import FamilyHypervolume

__all__ = ["SEPARABLE_FROM", "Comparison", "compare_families", "comparison_sentence"]

SEPARABLE_FROM = 6
"""The number of replicates from which on a difference can be significant: 2 / 2⁶ ≤ 0.05."""

_SIGNIFICANT = 0.05
_NOTHING = 1e-12  # a difference of hypervolumes below this is rounding
_NAMED = 3


@dataclass(frozen=True)
class Comparison:
    """Two families, paired by replicate.

    Attributes:
        first: The family with the larger mean.
        second: The other one.
        differences: In each replicate, the hypervolume of the first minus that of the second.
        mean: Their mean.
        interval: Bounds of the mean: a bootstrap interval from five replicates on, below that
            their range. It is not corrected for the number of comparisons.
        wilcoxon: The exact two-sided p-value of the signed-rank test for this pair alone; None
            with fewer than six replicates, which cannot bring it to 0.05.
        corrected: The p-value that accounts for all pairs compared; None with one replicate.
        probability: The probability of improvement: the share of replicates in which the first is
            better, ties counting half.
        distinguishable: Whether ``corrected`` is at most 0.05.
    """

    first: str
    second: str
    differences: dict[int, float]
    mean: float
    interval: Interval
    wilcoxon: float | None
    corrected: float | None
    probability: float
    distinguishable: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the differences, which follow from the hypervolumes."""
        return {
            "first": self.first,
            "second": self.second,
            "mean": self.mean,
            "interval": list(self.interval),
            "interval_kind": self.interval.kind,
            "wilcoxon": self.wilcoxon,
            "corrected": self.corrected,
            "probability": self.probability,
            "distinguishable": self.distinguishable,
        }


def compare_families(
    volumes: Mapping[str, FamilyHypervolume], *, seed: int = 0
) -> list[Comparison]:
    """Compares each pair of families, replicate by replicate.

    Replicates share the original model and the random numbers, so differences within a replicate
    are less noisy than the hypervolumes. The correction for the number of pairs is that of Westfall
    and Young (``sign_flips.max_t``): the sign of a whole replicate flips in all pairs at once, so
    that it counts that pairs with a family in common are dependent. It assumes that, where there is
    no difference, what is observed is as likely as its negative.

    Args:
        volumes: The families' hypervolumes, from one table.
        seed: Of the resamples and of random flips.

    Returns:
        All pairs, each with the better mean first; the pairs of the best family come first, then
        those of the second best, each in the order of the other's mean. Names break ties.

    Raises:
        InputError: The families were measured in different boxes or in different replicates.
    """
    ranked = sorted(volumes, key=lambda name: (-volumes[name].mean, name))
    if len(ranked) < 2:
        return []
    replicates = sorted(volumes[ranked[0]].per_replicate)
    for name in ranked[1:]:
        require_same_box(volumes[ranked[0]].box, volumes[name].box)
        if sorted(volumes[name].per_replicate) != replicates:
            raise InputError(
                f"families: {ranked[0]} has replicates {replicates} but {name} has "
                f"{sorted(volumes[name].per_replicate)}; compare families of one run."
            )
    if not replicates:
        return []
    n = len(replicates)
    matrix = np.array([[volumes[name].per_replicate[r] for r in replicates] for name in ranked])
    pairs = list(combinations(range(len(ranked)), 2))
    first, second = np.array(pairs).T
    rows = matrix[first] - matrix[second]
    rows[np.abs(rows) < _NOTHING] = 0.0
    corrected = max_t(rows, seed=seed).tolist() if n > 1 else [None] * len(rows)
    return [
        Comparison(
            first=ranked[a],
            second=ranked[b],
            differences=dict(zip(replicates, row.tolist(), strict=True)),
            mean=float(row.mean()),
            interval=bounds,
            wilcoxon=signed_rank(row) if n >= SEPARABLE_FROM else None,
            corrected=p,
            probability=float(((row > 0) + 0.5 * (row == 0)).mean()),
            distinguishable=p is not None and p <= _SIGNIFICANT,
        )
        for (a, b), row, bounds, p in zip(
            pairs, rows, intervals(rows, seed=seed), corrected, strict=True
        )
    ]


def comparison_sentence(comparisons: Sequence[Comparison]) -> str:
    """Says which families the replicates tell apart.

    Args:
        comparisons: What ``compare_families`` returns.

    Returns:
        Up to three pairs that are distinguishable, with the mean difference and its interval, and
        how many more there are. With too few replicates for that: how many are needed, and up to
        three families that are behind the best one in every replicate.
    """
    if not comparisons:
        return "There are no two families to compare."
    n = len(comparisons[0].differences)
    correction = f"after correction for {_count(len(comparisons), 'comparison')}"
    if n < SEPARABLE_FROM:
        replicates = "One replicate" if n == 1 else f"{n} replicates"
        return (
            f"{replicates} cannot separate families at the 5 % level {correction}; at least "
            f"{SEPARABLE_FROM} are needed.{'' if n == 1 else ' ' + _same_signs(comparisons)}"
        )
    apart = [c for c in comparisons if c.distinguishable]
    if not apart:
        return (
            f"No two families are distinguishable at the 5 % level over {n} replicates "
            f"{correction}."
        )
    named = "; ".join(
        f"{first} beats {listing([_difference(c) for c in group])}"
        for first, group in groupby(apart[:_NAMED], key=lambda c: c.first)
    )
    return f"{named}{_others(max(len(apart) - _NAMED, 0), len(comparisons) - len(apart))}."


def _others(apart: int, rest: int) -> str:
    if not apart:
        return "; no other pair is distinguishable" if rest else ""
    more = f"; {_count(apart, 'other pair')} {_are(apart)} distinguishable too"
    return f"{more}, {rest:,} {_are(rest)} not" if rest else more


def _same_signs(comparisons: Sequence[Comparison]) -> str:
    leader = comparisons[0].first
    behind = [
        _difference(c) for c in comparisons if c.first == leader and min(c.differences.values()) > 0
    ]
    if not behind:
        return f"{leader} has the largest mean but is ahead of no other family in every replicate."
    return f"In every replicate {leader} is ahead of {listing(behind, _NAMED)}."


def _difference(comparison: Comparison) -> str:
    low, high = comparison.interval
    scale = max(high - low, abs(comparison.mean) / 2, 1e-6)
    decimals = max(2, 1 - math.floor(math.log10(scale)))  # two digits of it
    mean, lowest, highest = (
        f"{round(x, decimals) + 0.0:.{decimals}f}" for x in (comparison.mean, low, high)
    )
    ranged = comparison.interval.kind == "range"
    bounds = f"({lowest} to {highest})" if ranged else f"[{lowest}, {highest}]"
    return f"{comparison.second} by {mean} {bounds}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
