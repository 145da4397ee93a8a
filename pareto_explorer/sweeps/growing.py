"""The hypervolume of points that arrive one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pareto_explorer.fronts import Box, hypervolume, non_dominated

__all__ = ["GrowingHypervolume"]


class GrowingHypervolume:
    """The mean over replicates of the hypervolume of all points so far.

    Only the front of each replicate is kept: new points cost time for themselves and the front,
    whatever the number of points before them. A replicate without a usable point counts as 0.

    Args:
        box: The objectives.
    """

    def __init__(self, box: Box) -> None:
        self._box = box
        self._fronts: dict[int, NDArray[np.float64]] = {}
        self._volumes: dict[int, float] = {}

    @property
    def mean(self) -> float:
        """The hypervolume; 0 before the first point."""
        return sum(self._volumes.values()) / max(len(self._volumes), 1)

    def add(self, rows: Iterable[Mapping[Any, Any]]) -> None:
        """Takes rows of the points table."""
        found: dict[int, list[list[float]]] = {}
        for row in rows:
            values = [row.get(metric, np.nan) for metric in self._box.metrics]
            of_replicate = found.setdefault(int(row["replicate"]), [])
            if row["status"] == "ok" and self._box.measurable(np.array([values])).all():
                of_replicate.append(values)
        for replicate, new in found.items():
            old = self._fronts.get(replicate, np.empty((0, len(self._box.metrics))))
            points = np.concatenate([old, np.array(new).reshape(-1, old.shape[1])])
            front = points[non_dominated(self._box.normalise(points))]
            self._fronts[replicate] = np.unique(front, axis=0)
            self._volumes[replicate] = hypervolume(self._fronts[replicate], self._box).value
