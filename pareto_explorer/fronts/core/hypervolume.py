"""Hypervolume of a set of points, always together with the box it was measured in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.checked import volume
from pareto_explorer.fronts.core.dominance import non_dominated

__all__ = ["HypervolumeResult", "beyond", "hypervolume"]


@dataclass(frozen=True)
class HypervolumeResult:
    """A hypervolume and what it was measured on.

    Attributes:
        value: The volume that the points dominate inside the box, in normalised units: 0 for no
            point inside, the product of the reference point for a point at the ideal. Points
            better than the ideal raise it further.
        box: The box.
        n_points: All points given.
        n_front: The non-dominated ones among those inside the box, duplicates included.
        n_beyond: Points that add nothing because they lie at or beyond the reference point in
            some objective.
    """

    value: float
    box: Box
    n_points: int
    n_front: int
    n_beyond: int


def hypervolume(values: ArrayLike, box: Box) -> HypervolumeResult:
    """Measures what a set of points dominates inside a box.

    Computed by moocore in O(n log n) for two and three objectives (Fonseca, Paquete and
    López-Ibáñez, 2006).

    Args:
        values: (n, m) in metric units, one column per objective of the box, not negated.
        box: Directions, bounds and reference point.

    Returns:
        The number with its box and counts.

    Raises:
        InputError: NaN, an infinity, or another shape.
    """
    points = box.normalise(values)
    inside = ~beyond(points, box)
    value = volume(points[inside], box.reference)
    return HypervolumeResult(
        value=value,
        box=box,
        n_points=len(points),
        n_front=int(non_dominated(points[inside]).sum()),
        n_beyond=int((~inside).sum()),
    )


def beyond(points: NDArray[np.float64], box: Box) -> NDArray[np.bool_]:
    """Marks points that dominate no volume: at or beyond the reference point in some objective.

    Args:
        points: (n, m), normalised by the box.
        box: Its reference point is the one meant.

    Returns:
        (n,) mask.
    """
    return np.asarray((points >= np.array(box.reference)).any(axis=1))
