"""The trials that were compared at a rung, kept in non-dominated layers as they come in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.fronts.core.values import finite_matrix

__all__ = ["Cover", "Rung", "farthest_first"]

Cover = Callable[[NDArray[np.float64]], Iterable[int]]
"""Orders points, (n, m): their rows, those that cover the others first."""


def farthest_first(points: NDArray[np.float64]) -> Iterator[int]:
    """Orders points so that every beginning of the order covers them well.

    The best in each objective come first, then always the point that is farthest from those
    before it (Gonzalez, 1985); of equals, the one in the earlier row. Each takes O(n).

    Args:
        points: (n, m), n at least 1.

    Yields:
        The rows in their order.
    """
    distance = np.full(len(points), np.inf)
    extremes = list(dict.fromkeys(points.argmin(axis=0).tolist()))
    for place in range(len(points)):
        chosen = extremes[place] if place < len(extremes) else int(distance.argmax())
        yield chosen
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen], axis=1))
        distance[chosen] = -1.0  # for good: no distance is smaller


class Rung:
    """Lines of points, each the models of a trial at a step, in the order in which they came.

    The layer of a point is the length of the longest chain of points that each dominate the next
    and of which the last dominates it. One more point changes the layers of those that it
    dominates by one at most, and only where what moved down dominates a point of the layer below
    (as in the level update of Li et al., "Efficient nondomination level update method for
    steady-state evolutionary multiobjective optimization", 2017). So a line costs a comparison of
    its points with all others, and whatever moves; nothing is sorted again.

    Args:
        objectives: How many numbers a point has, all minimised.
    """

    def __init__(self, objectives: int) -> None:
        self._n = 0
        self._values = np.empty((objectives, 1))  # the columns after the first n are room
        self._layers = np.empty(1, dtype=np.intp)
        self._of_line = np.empty(1, dtype=np.intp)
        self._rows: dict[str, range] = {}

    def __len__(self) -> int:
        """How many lines there are."""
        return len(self._rows)

    def __contains__(self, trial_id: str) -> bool:
        return trial_id in self._rows

    @property
    def values(self) -> NDArray[np.float64]:
        """(n, m), all points, those of a line after each other."""
        return self._values[:, : self._n].T

    @property
    def layers(self) -> NDArray[np.intp]:
        """(n,), the non-dominated layer of each point, from 0; equal points share one."""
        return self._layers[: self._n]

    def add(self, trial_id: str, points: ArrayLike) -> None:
        """Takes the line of another trial.

        Args:
            trial_id: The trial, which has none yet.
            points: (p, m), p at least 1.

        Raises:
            InputError: NaN, an infinity, or another shape.
        """
        first = self._n
        for point in finite_matrix(points):
            self._insert(point)
        self._rows[trial_id] = range(first, self._n)

    def beaten(self, margin: float) -> bool:
        """Whether each point of the last line is worse than another by more than the margin.

        Args:
            margin: In every objective.
        """
        values = self._values[:, : self._n]
        return all(((values[:, [row]] - values) > margin).all(axis=0).any() for row in self._last())

    def place(self, corner: Sequence[float], cover: Cover = farthest_first) -> int:
        """How many lines have a point ahead of the best one of the last line.

        Args:
            corner: As in `ahead`.
            cover: As in `ahead`.
        """
        lines = np.zeros(len(self), dtype=np.bool_)
        lines[self._of_line[self.ahead(self._last(), corner, cover)]] = True
        return int(lines.sum())

    def ahead(
        self, rows: Sequence[int], corner: Sequence[float], cover: Cover = farthest_first
    ) -> NDArray[np.intp]:
        """The points that come before the best of some, by layers and inside a layer by cover.

        Over all points this is an order: equal points share a layer and the earlier row comes
        first; otherwise the order in which lines came does not matter.

        Args:
            rows: Some points.
            corner: (m,), beyond which no point is worth more than another: distances stop there.
            cover: Orders the points of a layer.

        Returns:
            Their rows.
        """
        layers = self.layers
        layer = layers[list(rows)].min()
        members = np.flatnonzero(layers == layer)
        members = members[np.lexsort(self._values[::-1, members])]
        order = cover(np.minimum(self.values[members], corner))
        before = takewhile(lambda row: row not in rows, (int(members[place]) for place in order))
        return np.concatenate([np.flatnonzero(layers < layer), np.array([*before], dtype=np.intp)])

    def _last(self) -> range:
        """The rows of the last line."""
        return next(reversed(self._rows.values()))

    def _insert(self, point: NDArray[np.float64]) -> None:
        """Takes a point of a line that is not among the others yet."""
        if self._n == len(self._layers):
            self._values = np.hstack([self._values, np.empty_like(self._values)])
            self._layers, self._of_line = (
                np.concatenate([room, np.empty_like(room)])
                for room in (self._layers, self._of_line)
            )
        values, layers = self._values[:, : self._n], self.layers
        no_worse = (values <= point[:, np.newaxis]).all(axis=0)
        no_better = (values >= point[:, np.newaxis]).all(axis=0)
        layer = layers[no_worse & ~no_better].max(initial=-1) + 1
        self._sink(np.flatnonzero(no_better & ~no_worse & (layers == layer)))
        self._values[:, self._n] = point
        self._layers[self._n], self._of_line[self._n] = layer, len(self._rows)
        self._n += 1

    def _sink(self, moved: NDArray[np.intp]) -> None:
        """Moves points of one layer to the next, and what they dominate there to the one below."""
        layers = self.layers
        while len(moved):
            layer = layers[moved[0]] + 1
            settled = np.flatnonzero(layers == layer)
            layers[moved] = layer
            upper = self._values[:, moved, np.newaxis]
            lower = self._values[:, np.newaxis, settled]
            dominated = (upper <= lower).all(axis=0) & (upper < lower).any(axis=0)
            moved = settled[dominated.any(axis=0)]
