"""How far a set of points is from a target front: IGD+, additive epsilon and R2."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.fronts.core import checked
from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.core.sets import family_sets
from pareto_explorer.fronts.core.tables import objective_values, replicate_means
from pareto_explorer.fronts.statistics.cross_fitting import replicates_run
from pareto_explorer.fronts.statistics.vorobev import vorobev_of_sets

__all__ = [
    "additive_epsilon",
    "additive_epsilon_metric",
    "family_indicators",
    "igd_plus",
    "r2",
]

_COLUMNS = [
    "family",
    "igd_plus",
    "epsilon",
    "r2",
    "vorobev_deviation",
    "front_points",
    "share_of_pooled_front",
]


def igd_plus(values: ArrayLike, target: ArrayLike, box: Box) -> float:
    """The mean distance from the points of a target front to what ``values`` dominate.

    The distance counts only the objectives in which the nearest value is worse than the target
    (Ishibuchi, Masuda, Tanigaki and Nojima, 2015), so that a better set is never farther away.

    Args:
        values: (n, m) in metric units.
        target: (k, m) in metric units.
        box: Directions and bounds.

    Returns:
        The distance in normalised units, 0 where ``values`` attain all of the target; infinite
        without values, NaN without a target.

    Raises:
        InputError: NaN, an infinity, or another shape.
    """
    return _compare(checked.igd_plus_distance, values, target, box)


def additive_epsilon(values: ArrayLike, target: ArrayLike, box: Box) -> float:
    """The smallest shift of all objectives with which ``values`` attain all of a target front.

    After Zitzler, Thiele, Laumanns, Fonseca and da Fonseca (2003); O(n k m).

    Args:
        values: (n, m) in metric units.
        target: (k, m) in metric units.
        box: Directions and bounds.

    Returns:
        The shift in normalised units, below 0 where there is room to spare; infinite without
        values, NaN without a target.

    Raises:
        InputError: NaN, an infinity, or another shape.
    """
    return _compare(checked.epsilon_additive, values, target, box)


def additive_epsilon_metric(values: ArrayLike, target: ArrayLike, box: Box) -> dict[str, float]:
    """The additive epsilon in the unit of each metric: all of these shifts at once are needed.

    Args:
        values: (n, m) in metric units.
        target: (k, m) in metric units.
        box: Directions and bounds.

    Returns:
        The shift of each objective towards its ideal; values as of ``additive_epsilon``.

    Raises:
        InputError: NaN, an infinity, or another shape.
    """
    shift = additive_epsilon(values, target, box)
    return {o.metric: shift * abs(o.nadir - o.ideal) for o in box.objectives}


def r2(values: ArrayLike, box: Box) -> float:
    """The mean loss of one who weights two objectives and does not yet know how.

    It is the mean over all weights (w, 1 - w) of the smallest weighted Chebyshev distance
    max(w·f1, (1 - w)·f2) to the ideal, computed exactly (Schäpermeier and Kerschke, 2025).

    Args:
        values: (n, 2) in metric units; a value beyond the ideal counts as the ideal.
        box: Directions and bounds.

    Returns:
        The indicator in normalised units, 0 for a point at the ideal; infinite without values,
        NaN with three objectives.

    Raises:
        InputError: NaN, an infinity, or another shape.
    """
    units = np.maximum(box.normalise(values), 0.0)
    if units.shape[1] != 2:
        return math.nan
    if not len(units):
        return math.inf
    return checked.r2_exact(units)


def family_indicators(
    points: pd.DataFrame, box: Box, *, means: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Compares every family with the pooled front of the replicate means.

    Args:
        points: A points table.
        box: The objectives.
        means: ``replicate_means(points, box)``, where it is at hand already.

    Returns:
        One row per family, sorted by name. ``igd_plus``, ``epsilon`` and ``r2`` are means over the
        replicates in which the family was run of what its points of one replicate reach (infinite
        where it has no usable one in some of them), the first two against the front of all
        families' replicate means inside the box; smaller is better in all three.
        ``vorobev_deviation`` is the spread of the family's front over these replicates.
        ``front_points`` counts the replicate means on the family's own front inside the box,
        ``share_of_pooled_front`` is the family's share of the points of the pooled one.

    Raises:
        InputError: An objective is no column of the table.
    """
    means = replicate_means(points, box) if means is None else means
    inside = ~means["beyond_box"].to_numpy(bool)
    pooled = means[inside & means["on_front"].to_numpy(bool)]
    own = means[inside & means["on_family_front"].to_numpy(bool)]
    target = objective_values(pooled, box)
    rows, run = [], replicates_run(points)
    for family, sets in family_sets(points, box).items():
        fronts = [_units_front(sets[replicate], box) for replicate in run[family]]
        rows.append(
            {
                "family": family,
                "igd_plus": np.mean([igd_plus(values, target, box) for values in fronts]),
                "epsilon": np.mean([additive_epsilon(values, target, box) for values in fronts]),
                "r2": np.mean([r2(values, box) for values in fronts]),
                "vorobev_deviation": vorobev_of_sets(fronts, box).deviation,
                "front_points": int((own["family"] == family).sum()),
                "share_of_pooled_front": (
                    float((pooled["family"] == family).mean()) if len(pooled) else math.nan
                ),
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _units_front(values: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """The non-dominated ones of values in metric units; the others change no indicator."""
    return values[non_dominated(box.normalise(values))]


def _compare(
    indicator: Callable[[ArrayLike, ArrayLike], float],
    values: ArrayLike,
    target: ArrayLike,
    box: Box,
) -> float:
    units, goal = box.normalise(values), box.normalise(target)
    if not len(goal):
        return math.nan
    if not len(units):
        return math.inf
    return indicator(units, goal)
