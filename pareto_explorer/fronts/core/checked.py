"""moocore behind one check: the only module that calls it.

Its compiled code trusts what it is given. A value that is not finite gives wrong answers without a
word, and ``is_nondominated`` of 0.3.2 leaves the process with a segmentation fault on minus
infinity in three or more columns. Whatever goes in here is finite, a matrix with at least one
column, float64 and contiguous; a matrix without rows never gets there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.core.values import finite_matrix

__all__ = [
    "attained",
    "epsilon_additive",
    "exclusive_contributions",
    "igd_plus_distance",
    "nondominated",
    "pareto_layers",
    "r2_exact",
    "volume",
]


def nondominated(points: ArrayLike, *, keep_equal: bool) -> NDArray[np.bool_]:
    """Marks the non-dominated rows of minimised values, (n, m).

    Args:
        points: The values.
        keep_equal: Whether all of several equal rows stay, or the first of them alone.
    """
    matrix = _checked(points)
    if not len(matrix):
        return np.zeros(0, dtype=np.bool_)
    return np.asarray(moocore.is_nondominated(matrix, keep_weakly=keep_equal), dtype=np.bool_)


def pareto_layers(points: ArrayLike) -> NDArray[np.intp]:
    """The non-dominated layer of each row of minimised values, (n, m), from 0."""
    matrix = _checked(points)
    if not len(matrix):
        return np.zeros(0, dtype=np.intp)
    return np.asarray(moocore.pareto_rank(matrix), dtype=np.intp)


def volume(points: ArrayLike, reference: Sequence[float]) -> float:
    """The hypervolume of minimised values, (n, m); 0 without one inside the reference point."""
    matrix = _checked(points)
    return float(_measure(tuple(reference))(matrix)) if len(matrix) else 0.0


def exclusive_contributions(points: ArrayLike, reference: Sequence[float]) -> NDArray[np.float64]:
    """What each row of minimised values, (n, m), adds to the hypervolume of all others."""
    matrix, corner = _checked(points), _corner(tuple(reference))
    if not len(matrix):
        return np.zeros(0)
    found = moocore.hv_contributions(matrix, ref=corner, ignore_dominated=False)
    return np.asarray(found, dtype=np.float64)


def attained(
    points: ArrayLike, sets: NDArray[np.intp], percentiles: Sequence[float]
) -> NDArray[np.float64]:
    """The surfaces that shares of several sets attain (Fonseca and others, 2011).

    Args:
        points: (n, m) minimised values, m 2 or 3; rows of one set follow each other.
        sets: (n,) the set of each row.
        percentiles: The shares, in percent.

    Returns:
        (p, m + 1) points of the surfaces, with the share of each in the last column.
    """
    matrix = _checked(points)
    if not len(matrix):
        return np.empty((0, matrix.shape[1] + 1))
    found = moocore.eaf(matrix, sets, percentiles=percentiles)
    return np.asarray(found, dtype=np.float64)


def igd_plus_distance(points: ArrayLike, target: ArrayLike) -> float:
    """IGD+ of minimised values, (n, m), to a target, (k, m); both have rows."""
    return float(moocore.igd_plus(_checked(points), ref=_checked(target)))


def epsilon_additive(points: ArrayLike, target: ArrayLike) -> float:
    """Additive epsilon of minimised values, (n, m), to a target, (k, m); both have rows."""
    return float(moocore.epsilon_additive(_checked(points), ref=_checked(target)))


def r2_exact(points: ArrayLike) -> float:
    """R2 of minimised values, (n, 2), n at least 1, to the ideal 0."""
    return float(moocore.r2_exact(_checked(points), ref=0.0))


def _checked(points: ArrayLike) -> NDArray[np.float64]:
    matrix = np.ascontiguousarray(finite_matrix(points))
    if len(matrix) and not matrix.shape[1]:
        raise InputError(f"values: shape {matrix.shape} has no column; give one per objective.")
    return matrix


@lru_cache
def _measure(reference: tuple[float, ...]) -> Callable[[NDArray[np.float64]], float]:
    """The hypervolume below one reference point; many small sets are measured in turn."""
    measure: Callable[[NDArray[np.float64]], float] = moocore.Hypervolume(ref=_corner(reference))
    return measure


def _corner(reference: tuple[float, ...]) -> NDArray[np.float64]:
    return finite_matrix([reference])[0]
