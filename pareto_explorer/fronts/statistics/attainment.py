"""Empirical attainment: which parts of the box a family reaches in how many replicates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.checked import attained
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.core.sets import family_sets, metric_units, normalised_front, signs
from pareto_explorer.fronts.statistics.cross_fitting import replicates_run

__all__ = [
    "Attainment",
    "AttainmentDifference",
    "attainment_difference",
    "attainment_surfaces",
    "family_attainment",
]


@dataclass(frozen=True)
class Attainment:
    """The attainment surfaces of one family.

    A replicate attains a point of the objective space when one of its own points is no worse there
    in every objective. The surface of k is the edge of what at least k of the n replicates attain.

    Attributes:
        n: The replicates of the table; one in which the family has no usable point attains
            nothing, but counts. Of a family that was run in fewer, surface k is what the same share
            of its own replicates attains, rounded up.
        surfaces: For each k the non-dominated points of its surface, (p, m) in metric units, best
            first in the first objective; without rows where fewer than k replicates attain
            anything. k = 1 is the best surface, k = n the worst.
    """

    n: int
    surfaces: Mapping[int, NDArray[np.float64]]

    @property
    def median_k(self) -> int:
        """The k of the median surface: half of the replicates, rounded up."""
        return math.ceil(self.n / 2)


def family_attainment(
    points: pd.DataFrame, box: Box, ks: Iterable[int] | None = None
) -> dict[str, Attainment]:
    """Computes attainment surfaces of each family over its replicates.

    The surfaces reach beyond the box where the points do.

    Args:
        points: A points table.
        box: The objectives.
        ks: Which surfaces, each from 1 to the number of replicates; the best, the median and the
            worst unless given.

    Returns:
        One entry per family, sorted by name.

    Raises:
        InputError: An objective is no column of the table, or a k that there is not.
    """
    n = int(points["replicate"].nunique())
    chosen = sorted({1, math.ceil(n / 2), n} if ks is None else set(ks)) if n else []
    for k in chosen:
        if not 1 <= k <= n:
            raise InputError(f"ks: {k!r} is not from 1 to {n}, the number of replicates.")
    turn, run, found = signs(box), replicates_run(points), {}
    for family, sets in family_sets(points, box).items():
        own = {k: math.ceil(k * len(run[family]) / n) for k in chosen}
        surfaces = attainment_surfaces([sets[r] * turn for r in run[family]], set(own.values()))
        found[family] = Attainment(n=n, surfaces={k: surfaces[own[k]] * turn for k in chosen})
    return found


def attainment_surfaces(
    sets: Sequence[NDArray[np.float64]], ks: Iterable[int]
) -> dict[int, NDArray[np.float64]]:
    """The surfaces attained by at least k of some sets of points.

    Computed by moocore (Fonseca, Guerreiro, López-Ibáñez and Paquete, 2011) from the front of each
    set, in O(m log m + n m) for m points of n sets and two objectives, in O(n² m log m) for three.

    Args:
        sets: Matrices of minimised, finite values with two or three columns each; some may be
            empty.
        ks: Which surfaces.

    Returns:
        For each k the non-dominated points of its surface, sorted by the first column, then the
        next.
    """
    fronts = [values[non_dominated(values)] for values in sets if len(values)]
    wanted = sorted(k for k in set(ks) if k <= len(fronts))
    width = sets[0].shape[1] if len(sets) else 0
    surfaces = {k: np.empty((0, width)) for k in ks}
    if not wanted:
        return surfaces
    # rows of one set must follow each other, or moocore gives another surface without a word
    labels = np.repeat(np.arange(len(fronts)), [len(values) for values in fronts])
    share = 100 / len(fronts)
    levels = [share * (k - 0.5) for k in wanted]  # halfway, so that no rounding changes k
    found = attained(np.concatenate(fronts), labels, levels)
    found_k = np.rint(found[:, -1] / share + 0.5).astype(int)
    for k in wanted:
        surface = np.unique(found[found_k == k, :-1], axis=0)
        surfaces[k] = surface[non_dominated(surface)]
    return surfaces


@dataclass(frozen=True)
class AttainmentDifference:
    """Where in the box which of two families attains more often.

    Attributes:
        first: The family whose lead is positive.
        second: The other one.
        n: The replicates in which both were run.
        rectangles: (r, 4) in metric units: for each rectangle the low and the high end in the first
            objective, then those in the second. They do not overlap; where none lies, both
            families attain equally often.
        differences: (r,) the share of these replicates in which the first family attains the
            rectangle minus that of the second, from -1 to 1, never 0.
        exact: False where there were more corners than the resolution, so that the ends in the
            first objective are rounded to a grid.
    """

    first: str
    second: str
    n: int
    rectangles: NDArray[np.float64]
    differences: NDArray[np.float64]
    exact: bool


def attainment_difference(
    points: pd.DataFrame, box: Box, first: str, second: str, resolution: int = 300
) -> AttainmentDifference:
    """Compares how often two families attain each part of a box with two objectives.

    Args:
        points: A points table.
        box: Two objectives; what lies beyond its ideal counts as being at it.
        first: A family.
        second: Another one.
        resolution: The most intervals in the first objective; the points' own coordinates cut it
            into intervals when they are fewer.

    Returns:
        The rectangles, neighbours with equal differences merged.

    Raises:
        InputError: A family that the table has not, three objectives, or an objective that is no
            column of the table.
    """
    if len(box.objectives) != 2:
        raise InputError(
            f"objectives: {', '.join(box.metrics)} are three; the difference of two attainment "
            "functions needs two."
        )
    sets = family_sets(points, box)
    for name in (first, second):
        if name not in sets:
            raise unknown("family", name, sets)
    run = replicates_run(points)
    common = sorted(set(run[first]) & set(run[second]))
    if not common:
        return AttainmentDifference(first, second, 0, np.empty((0, 4)), np.empty(0), True)
    fronts = [
        [np.maximum(normalised_front(sets[name][r], box), 0.0) for r in common]
        for name in (first, second)
    ]
    edges = np.unique(np.concatenate([[[0.0], [box.reference[0]]], *map(_first, fronts)]))
    exact = len(edges) <= resolution + 1
    if not exact:
        edges = np.linspace(0.0, box.reference[0], resolution + 1)
    heights = np.array(
        [
            [_lowest(values, (edges[:-1] + edges[1:]) / 2, box.reference[1]) for values in family]
            for family in fronts
        ]
    )
    rectangles, leads = _merged(edges, heights, box.reference[1])
    n = heights.shape[1]
    low, high = (metric_units(rectangles[:, corner], box) for corner in ([0, 2], [1, 3]))
    low, high = np.minimum(low, high), np.maximum(low, high)
    return AttainmentDifference(
        first=first,
        second=second,
        n=n,
        rectangles=np.stack([low, high], axis=2).reshape(-1, 4),
        differences=leads / n,
        exact=exact,
    )


def _first(fronts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([values[:, :1] for values in fronts])


def _lowest(
    values: NDArray[np.float64], at: NDArray[np.float64], top: float
) -> NDArray[np.float64]:
    """For each abscissa the lowest ordinate among the points left of it; the top without one."""
    ordered = values[np.argsort(values[:, 0], kind="stable")]
    lowest = np.concatenate([[top], np.minimum.accumulate(np.append(ordered[:, 1], top))[:-1]])
    return np.asarray(lowest[np.searchsorted(ordered[:, 0], at, side="right")])


def _merged(
    edges: NDArray[np.float64], heights: NDArray[np.float64], top: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rectangles (left, right, bottom, top) of equal lead, and the leads in replicates.

    Args:
        edges: (s + 1,) ends of vertical strips.
        heights: (2, n, s) from which height on each replicate of both families attains the strip.
        top: The height of the strips.
    """
    rectangles: list[tuple[float, float, float, float]] = []
    leads: list[float] = []
    gains = np.repeat([1.0, -1.0], heights.shape[1])
    open_runs: dict[tuple[float, float, float], float] = {}
    for strip in range(len(edges)):
        runs: set[tuple[float, float, float]] = set()
        if strip < len(edges) - 1:
            column = heights[:, :, strip].ravel()
            runs = set(_runs(column, gains, top))
        for run in [run for run in open_runs if run not in runs]:
            rectangles.append((open_runs.pop(run), float(edges[strip]), run[0], run[1]))
            leads.append(run[2])
        for run in sorted(runs):
            open_runs.setdefault(run, float(edges[strip]))
    return np.array(rectangles).reshape(-1, 4), np.array(leads)


def _runs(
    heights: NDArray[np.float64], gains: NDArray[np.float64], top: float
) -> Iterable[tuple[float, float, float]]:
    """The pieces (bottom, top, lead) of one strip in which the lead is one number but 0."""
    starts, back = np.unique(heights, return_inverse=True)
    leads = np.cumsum(np.bincount(back, weights=gains))
    kept = np.flatnonzero(np.diff(leads, prepend=0.0))  # where the lead changes
    ends = np.append(starts[kept], top)
    for bottom, end, lead in zip(ends[:-1].tolist(), ends[1:].tolist(), leads[kept], strict=True):
        if lead and end > bottom:
            yield bottom, end, float(lead)
