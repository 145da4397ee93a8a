"""The configurations of a family, and the hypervolumes of subsets of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.core.checked import volume
from pareto_explorer.fronts.statistics.anytime import trial_order
from pareto_explorer.fronts.statistics.cross_fitting import Checkpoints

__all__ = ["ALL_UP_TO", "BAND", "SUBSETS", "Configurations", "configurations"]

ALL_UP_TO = 12
"""Up to so many configurations, all subsets of them are measured."""

SUBSETS = 2_000
"""Beyond that, so many random ones."""

BAND = (0.1, 0.9)
"""The quantiles of their hypervolumes that are told."""

_ROUNDING = 1e-13  # of a difference of two hypervolumes


@dataclass(frozen=True, eq=False)
class Configurations:
    """What each configuration of a family reached in each replicate.

    Attributes:
        names: Their n trials, by the number at the end of the name. One without a usable point is
            among them.
        replicates: The replicates.
        points: For each replicate, the points inside the box that no other point of the same
            configuration dominates, normalised, (p, m).
        owners: For each replicate, (p,), the position in ``names`` of each of these points.
        reference: The reference point.
    """

    names: tuple[str, ...]
    replicates: tuple[int, ...]
    points: tuple[NDArray[np.float64], ...]
    owners: tuple[NDArray[np.intp], ...]
    reference: tuple[float, ...]

    def volumes(self, members: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The hypervolume of subsets of the configurations, in each replicate.

        Takes O(s p) for s subsets and p points with two objectives, one hypervolume for each subset
        with three.

        Args:
            members: (s, n), which configurations each subset has.

        Returns:
            (r, s) volumes, 0 for a subset without a point.
        """
        measure = _flat if len(self.reference) == 2 else _solid
        rows = [
            measure(points, owners, members, self.reference)
            for points, owners in zip(self.points, self.owners, strict=True)
        ]
        return np.array(rows).reshape(len(self.replicates), len(members))

    def losses(self) -> NDArray[np.float64]:
        """What the hypervolume loses without each configuration, in the mean over replicates: (n,).

        At least 0; twice the same configuration loses nothing.
        """
        n = len(self.names)
        without = ~np.eye(n, dtype=np.bool_)
        volumes = self.volumes(np.vstack([np.ones((1, n), dtype=np.bool_), without])).mean(axis=0)
        lost = volumes[0] - volumes[1:]
        return np.where(lost > _ROUNDING, lost, 0.0)


def configurations(table: Checkpoints) -> Configurations:
    """Splits the checkpoints of one family by configuration.

    Args:
        table: Those of one family, in the replicates in which it was run.
    """
    owner = trial_order(pd.Series(table.trial))
    order = np.argsort(owner, kind="stable")
    owner, values = owner[order], table.values[order]
    usable = ~np.isnan(values).any(axis=2)
    units = np.full_like(values, np.inf)
    units[usable] = table.box.normalise(values[usable])
    kept = (units < np.array(table.box.reference)).all(axis=2) & ~_beaten(units, owner)
    replicates = range(len(table.replicates))
    return Configurations(
        names=tuple(table.trial[order][np.unique(owner, return_index=True)[1]]),
        replicates=table.replicates,
        points=tuple(units[kept[:, replicate], replicate] for replicate in replicates),
        owners=tuple(owner[kept[:, replicate]] for replicate in replicates),
        reference=table.box.reference,
    )


def _beaten(units: NDArray[np.float64], owner: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which points one of the same configuration dominates, or an earlier one equals: (n, r).

    Takes O(n r g), where a configuration has up to g checkpoints.

    Args:
        units: (n, r, m).
        owner: (n,), ascending.
    """
    beaten = np.zeros(units.shape[:2], dtype=np.bool_)
    for distance in range(1, np.bincount(owner).max(initial=0)):
        earlier, later = units[:-distance], units[distance:]
        same = (owner[:-distance] == owner[distance:])[:, np.newaxis]
        no_worse = (earlier <= later).all(axis=2)
        beaten[distance:] |= same & no_worse
        beaten[:-distance] |= same & (later <= earlier).all(axis=2) & ~no_worse
    return beaten


def _flat(
    points: NDArray[np.float64],
    owners: NDArray[np.intp],
    members: NDArray[np.bool_],
    reference: tuple[float, ...],
) -> NDArray[np.float64]:
    """Two objectives: one sweep along the first, in which each subset keeps its best second."""
    right, top = reference
    order = np.lexsort(points.T[::-1])
    widths = np.diff(points[order, 0], append=right)
    absent = np.where(members.T, 0.0, np.inf)
    lowest = np.full(len(members), top)
    total = np.zeros(len(members))
    for width, height, owner in zip(
        widths.tolist(), points[order, 1].tolist(), owners[order].tolist(), strict=True
    ):
        np.minimum(lowest, height + absent[owner], out=lowest)
        total += width * (top - lowest)
    return total


def _solid(
    points: NDArray[np.float64],
    owners: NDArray[np.intp],
    members: NDArray[np.bool_],
    reference: tuple[float, ...],
) -> NDArray[np.float64]:
    """Three objectives: the front of each subset by itself."""
    places, needed = _fronts(points, owners, members)
    subset, number = np.nonzero(needed.T)
    ends = np.cumsum(np.bincount(subset, minlength=len(members))).tolist()
    parts = points[places][number]
    return np.array(
        [volume(parts[start:end], reference) for start, end in zip([0, *ends], ends, strict=False)]
    )


def _fronts(
    points: NDArray[np.float64], owners: NDArray[np.intp], members: NDArray[np.bool_]
) -> tuple[list[int], NDArray[np.bool_]]:
    """The points on the front of some subset, one of each set of equal ones.

    They ascend in the last objective, which saves sorting them again for each subset.

    Returns:
        The positions of these k points, and (k, s) on which fronts each is.
    """
    subsets = np.packbits(members.T, axis=1)
    places: list[int] = []
    best, needed = np.empty_like(points), np.empty((len(points), subsets.shape[1]), np.uint8)
    for place in np.lexsort(points.T).tolist():  # what dominates a point comes before it
        size = len(places)
        rivals = (best[:size] <= points[place]).all(axis=1)
        # a rival that is not on a subset's front is dominated there by another rival that is
        beaten = np.bitwise_or.reduce(needed[:size][rivals], axis=0)
        fronts = subsets[owners[place]] & ~beaten
        if fronts.any():
            best[size], needed[size] = points[place], fronts
            places.append(place)
    unpacked = np.unpackbits(needed[: len(places)], axis=1, count=len(members))
    return places, unpacked.astype(np.bool_)
