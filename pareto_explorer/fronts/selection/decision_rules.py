"""Decision rules by pymoo: which point of a front to take.

All functions take the points of one front, without duplicates, as minimised values in which the
ideal is 0 and the nadir 1 (``Box.normalise``), and give the position of a point. Of points that
are equally good the first is taken.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymoo.core.decision_making import find_outliers_upper_tail
from pymoo.decomposition.aasf import AASF
from pymoo.mcdm.pseudo_weights import PseudoWeights
from scipy.spatial import cKDTree

from pareto_explorer.fronts.core.values import finite_matrix

__all__ = ["Knee", "PseudoWeight", "achievement", "closest", "knee", "pseudo_weight", "trade_offs"]

_RADIUS = 0.125  # of HighTradeoffPoints, whose own argument for it has no effect
_AUGMENTATION = 1e-4
_ROUNDING = 1e-12


class Knee(NamedTuple):
    """The point of the highest trade-off, and the least that a move away from it loses per gain."""

    position: int
    trade_off: float


class PseudoWeight(NamedTuple):
    """The point whose pseudo-weights are nearest to the wanted ones, and its own."""

    position: int
    weights: tuple[float, ...]


def knee(values: ArrayLike) -> Knee | None:
    """Takes the point from which every move along the front loses the most for what it gains.

    Source: Rachmawati and Srinivasan, "Multiobjective evolutionary algorithm with controllable
    focus on the knees of the Pareto front" (2009), as ``pymoo.mcdm.high_tradeoff`` has it: a knee
    is a point whose trade-off stands out by two standard deviations, or, when none does, the
    highest if it stands out by more than one.

    Args:
        values: (n, m), a front without duplicates.

    Returns:
        The knee, the one with the highest trade-off where there are several; None when no point
        stands out, as on a straight front or on one of fewer than three points.

    Raises:
        InputError: NaN, an infinity, or another shape.
    """
    front = finite_matrix(values)
    if len(front) < 3:  # the deviations of two numbers are always one standard deviation
        return None
    found = trade_offs(front)
    if np.ptp(found) <= 1e-9 * found.max():  # equal but for rounding
        return None
    outstanding = find_outliers_upper_tail(found)
    if outstanding is None:
        return None
    index = int(outstanding[np.argmax(found[outstanding])])
    return Knee(index, float(found[index]))


def trade_offs(values: ArrayLike) -> NDArray[np.float64]:
    """The least that a move from a point to a neighbour loses for each unit that it gains.

    Neighbours are the points within a radius of 0.125, and at least the 2·m nearest with all that
    are as near as the last of these, so that the order of the points decides nothing. What a move
    loses is summed over the objectives that get worse, what it gains over those that get better.

    Args:
        values: (n, m), a front of at least three points without duplicates.

    Returns:
        (n,) ratios above 0.

    Raises:
        InputError: NaN, an infinity, or another shape.
    """
    front = finite_matrix(values)
    n, m = front.shape
    least = min(2 * m, n - 1)
    tree = cKDTree(front)
    ratios = np.empty(n)
    for i, point in enumerate(front):
        near = tree.query_ball_point(point, _RADIUS)
        if len(near) < least:
            farthest = tree.query(point, least + 1)[0][-1]
            near = tree.query_ball_point(point, farthest * (1 + _ROUNDING))
        change = front[near] - point
        gain, loss = np.maximum(0, -change).sum(axis=1), np.maximum(0, change).sum(axis=1)
        away = gain > 0  # a point is its own neighbour
        ratios[i] = (loss[away] / gain[away]).min()
    return ratios


def closest(values: ArrayLike) -> int:
    """Takes the point whose worst objective is nearest to the ideal.

    Compromise programming with the augmented achievement scalarising function, max_j f_j +
    ρ Σ_j f_j with ρ = 1e-4 (Wierzbicki, 1980), all objectives weighing the same in the box.

    Args:
        values: (n, m), at least one point.

    Raises:
        InputError: NaN, an infinity, or another shape.
    """
    return int(np.argmin(achievement(values)))


def achievement(values: ArrayLike) -> NDArray[np.float64]:
    """The scalarising function that ``closest`` minimises, for each of (n, m) values."""
    points = finite_matrix(values)
    scalarise = AASF(rho=_AUGMENTATION)
    return np.asarray(scalarise.do(points, np.ones((1, points.shape[1]))), dtype=float).ravel()


def pseudo_weight(values: ArrayLike, weights: ArrayLike) -> PseudoWeight:
    """Takes the point whose pseudo-weights are nearest to the wanted weights.

    The pseudo-weight of an objective is how far the point is from the front's worst value in it,
    as a share of the front's range, relative to the other objectives (Deb, "Multi-objective
    optimization using evolutionary algorithms", 2001, section 8.6). Near is meant by the sum of
    absolute differences. An objective that is the same all along the front has no pseudo-weight.

    Args:
        values: (n, m), a front of at least one point without duplicates.
        weights: (m,), not negative, with a sum above 0; scaled to a sum of 1.

    Raises:
        InputError: NaN, an infinity, or another shape.
    """
    front, wanted = finite_matrix(values), np.asarray(weights, dtype=np.float64)
    varies = np.ptp(front, axis=0) > 0
    own = np.zeros(front.shape[1])
    if not varies.any():
        return PseudoWeight(0, tuple(own.tolist()))
    total = wanted[varies].sum()
    shares = wanted[varies] / total if total else np.full(varies.sum(), 1 / varies.sum())
    index, found = PseudoWeights(shares).do(front[:, varies], return_pseudo_weights=True)
    own[varies] = found[index]
    return PseudoWeight(int(index), tuple(own.tolist()))
