"""Which families can be told apart, whatever the seeds and the draw of the configurations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, compress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.core.box import Box, require_same_box
from pareto_explorer.fronts.core.domains import KnobDomain
from pareto_explorer.fronts.statistics.families import FamilyHypervolume
from pareto_explorer.fronts.statistics.half_samples import lead_share
from pareto_explorer.fronts.statistics.resampling import Interval, intervals
from pareto_explorer.fronts.statistics.sign_flips import max_t, signed_rank
from pareto_explorer.fronts.statistics.to_forget import nothing_to_forget
from pareto_explorer.schema.columns import NO_COMPETITORS
from pareto_explorer.schema.statuses import RUNNING

__all__ = [
    "SEPARABLE_FROM",
    "Comparison",
    "compare_families",
    "compare_pairs",
    "competitors",
    "drawn_once",
    "judge_families",
    "unfinished",
    "without_verdict",
]

SEPARABLE_FROM = 6
"""The number of replicates from which on a difference can be significant: 2 / 2⁶ ≤ 0.05."""

_SIGNIFICANT = 0.05
_HOLDS_IN = 0.95
_NOTHING = 1e-12  # a difference of hypervolumes below this is rounding


@dataclass(frozen=True)
class Comparison:
    """Two families, paired by replicate.

    Attributes:
        first: One family; of ``compare_families``, the one with the larger mean over its own
            replicates.
        second: The other one.
        differences: In each replicate in which both were run, the hypervolume of the first minus
            that of the second.
        mean: Their mean; it may be below 0 where the two were not run in the same replicates.
        interval: Bounds of the mean: a bootstrap interval from five replicates on, below that
            their range. It covers the seeds; it is not corrected for the number of comparisons.
        wilcoxon: The exact two-sided p-value of the signed-rank test for this pair alone; None
            with fewer than six of these replicates, which cannot bring it to 0.05.
        corrected: The p-value that accounts for all pairs compared; None with one replicate.
        probability: The probability of improvement: the share of replicates in which the first is
            better, ties counting half.
        draw_share: The share of half-samples of the configurations in which the family that is
            ``ahead`` still is, in the mean over these replicates; see ``half_samples.lead_share``.
            None where neither family has a draw that could reverse it.
        distinguishable: Whether ``corrected`` is at most 0.05, over six replicates or more, and
            ``draw_share`` at least 0.95 or None.
    """

    first: str
    second: str
    differences: dict[int, float]
    mean: float
    interval: Interval
    wilcoxon: float | None
    corrected: float | None
    probability: float
    draw_share: float | None
    distinguishable: bool

    @property
    def ahead(self) -> str:
        """The family that is better in the replicates that both were run in."""
        return self.first if self.mean >= 0 else self.second

    @property
    def behind(self) -> str:
        """The other one."""
        return self.second if self.mean >= 0 else self.first

    @property
    def holds_in_seeds(self) -> bool:
        """Whether the replicates alone tell the two apart."""
        enough = len(self.differences) >= SEPARABLE_FROM
        return enough and self.corrected is not None and self.corrected <= _SIGNIFICANT

    @property
    def holds_in_draws(self) -> bool:
        """Whether the lead is there in nearly all half-samples of the configurations."""
        return self.draw_share is None or self.draw_share >= _HOLDS_IN

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the differences, which follow from the hypervolumes."""
        return {
            "first": self.first,
            "second": self.second,
            "mean": self.mean,
            "interval": list(self.interval),
            "interval_kind": self.interval.kind,
            "interval_covers": "seeds",
            "wilcoxon": self.wilcoxon,
            "corrected": self.corrected,
            "probability": self.probability,
            "draw_share": self.draw_share,
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
    no difference, what is observed is as likely as its negative. A replicate in which one of a pair
    was not run adds nothing to the pair's sum, whichever its sign.

    Seeds are not all that moves a hypervolume: which configurations were drawn does too, and
    replicates share them. So a lead also has to hold with half of the configurations.

    Args:
        volumes: What ``family_hypervolumes`` gives for one table.
        seed: Of the resamples and of random flips.

    Returns:
        All pairs with a replicate in common, each with the better mean first; the pairs of the best
        family come first, then those of the second best, each in the order of the other's mean.
        Names break ties.

    Raises:
        InputError: The families were measured in different boxes.
    """
    ranked = sorted(volumes, key=lambda name: (-volumes[name].mean, name))
    return compare_pairs(volumes, list(combinations(ranked, 2)), seed=seed)


def compare_pairs(
    volumes: Mapping[str, FamilyHypervolume],
    pairs: Sequence[tuple[str, str]],
    *,
    seed: int = 0,
) -> list[Comparison]:
    """Compares pairs of families, replicate by replicate; see ``compare_families``.

    The correction is for the number of these pairs alone.

    Args:
        volumes: What ``family_hypervolumes`` gives for one table.
        pairs: Which families to compare; the differences are those of the first minus the second.
        seed: Of the resamples and of random flips.

    Returns:
        Those pairs that have a replicate in common, in their order.

    Raises:
        InputError: The families were measured in different boxes.
    """
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    for name in names[1:]:
        require_same_box(volumes[names[0]].box, volumes[name].box)
    replicates = sorted({r for name in names for r in volumes[name].per_replicate})
    rows = np.array([_differences(volumes, pair, replicates) for pair in pairs])
    rows = rows.reshape(len(pairs), len(replicates))
    common = ~np.isnan(rows)
    shared = common.any(axis=1)
    if not shared.any():
        return []
    rows, common = rows[shared], common[shared]
    rows[~common | (np.abs(rows) < _NOTHING)] = 0.0
    corrected = max_t(rows, seed=seed)
    found = []
    for (first, second), row, own, bounds, p in zip(
        compress(pairs, shared),
        rows,
        common,
        _intervals(rows, common, seed),
        corrected.tolist(),
        strict=True,
    ):
        differences, n = row[own], int(own.sum())
        mean = float(differences.mean())
        ahead, behind = (first, second) if mean >= 0 else (second, first)
        compared = Comparison(
            first=first,
            second=second,
            differences={replicates[i]: float(row[i]) for i in np.flatnonzero(own)},
            mean=mean,
            interval=bounds,
            wilcoxon=signed_rank(differences) if n >= SEPARABLE_FROM else None,
            corrected=p if n > 1 else None,
            probability=float(((differences > 0) + 0.5 * (differences == 0)).mean()),
            draw_share=_draw_share(volumes[ahead], volumes[behind]),
            distinguishable=False,
        )
        verdict = compared.holds_in_seeds and compared.holds_in_draws
        found.append(replace(compared, distinguishable=verdict))
    return found


def without_verdict(
    comparisons: Sequence[Comparison], families: Collection[str] | None = None
) -> list[Comparison]:
    """The same comparisons, none of them distinguishable: for a sweep that has not ended.

    Args:
        comparisons: What ``compare_families`` gives.
        families: Only pairs with one of these lose their verdict; by default all do.
    """
    return [
        replace(pair, distinguishable=False)
        if families is None or pair.first in families or pair.second in families
        else pair
        for pair in comparisons
    ]


def competitors(
    volumes: Mapping[str, FamilyHypervolume], points: pd.DataFrame
) -> dict[str, FamilyHypervolume]:
    """The families that do more than show the way between two models; all if none does.

    Args:
        volumes: By family.
        points: A points table.
    """
    found = dict(volumes)
    if "method" in points:
        aside = points.loc[points["method"].isin(NO_COMPETITORS), "family"].unique()
        found = {name: volume for name, volume in found.items() if name not in aside}
    return found or dict(volumes)


def judge_families(
    volumes: Mapping[str, FamilyHypervolume],
    points: pd.DataFrame,
    box: Box,
    landmarks: pd.DataFrame | None = None,
    domains: Mapping[str, Mapping[str, KnobDomain]] | None = None,
    planned: int | None = None,
) -> list[Comparison]:
    """Compares each pair of families, and claims no more than the whole run bears out.

    Families that only show the way between two models are left out. No pair is distinguishable
    before all trials have ended, or where there is nothing to forget; and none of a family whose
    knobs were drawn once.

    Args:
        volumes: What ``family_hypervolumes`` gives for the points.
        points: A points table.
        box: The objectives.
        landmarks: The landmarks table, if there is one.
        domains: By family and knob, if they are known.
        planned: How many trials there will be, if that is known.
    """
    found = compare_families(competitors(volumes, points))
    nothing = landmarks is not None and nothing_to_forget(landmarks, box.metrics)
    if nothing or unfinished(points, planned)[0]:
        return without_verdict(found)
    return without_verdict(found, drawn_once(points, domains or {}))


def drawn_once(
    points: pd.DataFrame, domains: Mapping[str, Mapping[str, KnobDomain]]
) -> frozenset[str]:
    """Families whose knobs were drawn a single time, so that nothing tells what the draw did.

    Args:
        points: A points table.
        domains: By family and knob.
    """
    trials = points.groupby("family")["trial_id"].nunique()
    once = trials.index[trials == 1].astype(str)
    return frozenset(family for family in once if domains.get(family))


def unfinished(points: pd.DataFrame, planned: int | None = None) -> tuple[int, int]:
    """How many trials have not ended, and how many there are.

    Args:
        points: A points table.
        planned: How many trials there will be; by default those of the table are all.
    """
    trials = points.drop_duplicates("trial_id")
    ended = int((trials["trial_status"] != RUNNING).sum())
    total = max(planned or 0, len(trials))
    return total - ended, total


def _differences(
    volumes: Mapping[str, FamilyHypervolume], pair: tuple[str, str], replicates: Sequence[int]
) -> list[float]:
    """The first minus the second in each replicate; NaN where one was not run."""
    first, second = (volumes[name].per_replicate for name in pair)
    return [first.get(r, np.nan) - second.get(r, np.nan) for r in replicates]


def _draw_share(ahead: FamilyHypervolume, behind: FamilyHypervolume) -> float | None:
    if ahead.half_samples is None or behind.half_samples is None:
        return None
    return lead_share(ahead.half_samples, behind.half_samples)


def _intervals(rows: NDArray[np.float64], common: NDArray[np.bool_], seed: int) -> list[Interval]:
    """Bounds of the mean of each row over its own columns."""
    found: dict[int, Interval] = {}
    patterns, pattern = np.unique(common, axis=0, return_inverse=True)
    for number, columns in enumerate(patterns):
        members = np.flatnonzero(pattern.ravel() == number)
        bounds = intervals(rows[np.ix_(members, columns)], seed=seed)
        found.update(zip(members.tolist(), bounds, strict=True))
    return [found[i] for i in range(len(rows))]
