"""Vorob'ev expectation and deviation: the typical front of a family and its spread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.checked import volume
from pareto_explorer.fronts.core.sets import metric_units, normalised_front
from pareto_explorer.fronts.core.tables import objective_values, usable
from pareto_explorer.fronts.statistics.attainment import attainment_surfaces

__all__ = ["VorobevResult", "vorobev", "vorobev_of_sets"]


@dataclass(frozen=True)
class VorobevResult:
    """The typical front of a family, and how far its replicates are from it.

    Attributes:
        threshold: The share of replicates that attain the expectation, in (0, 1]: the largest
            for which the attainment surface still has at least the mean hypervolume.
        expectation: The points of that surface inside the box, (p, m) in metric units, best first
            in the first objective; without rows where no replicate has a point inside the box.
        deviation: The mean hypervolume of what is dominated by either a replicate or the
            expectation but not by both, in normalised units; 0 where all replicates agree.
    """

    threshold: float
    expectation: NDArray[np.float64]
    deviation: float


def vorobev(
    points_of_family: pd.DataFrame, box: Box, replicates: Iterable[int] | None = None
) -> VorobevResult:
    """Computes the Vorob'ev expectation of one family over its replicates.

    From the definition by Binois, Ginsbourger and Roustant (2015), over all levels that there are.
    moocore's ``vorob_t`` looks for the level by bisection and may end one level beyond it, which
    matters for a few replicates.

    Args:
        points_of_family: The rows of one family in a points table.
        box: The objectives; only what lies inside the box counts.
        replicates: All replicates of the sweep, for a family that lacks some; those of the rows
            unless given. One without a usable point attains nothing, but counts.

    Raises:
        InputError: An objective is no column of the table.
    """
    usable_rows = points_of_family[usable(points_of_family, box)]
    labels = points_of_family["replicate"] if replicates is None else replicates
    return vorobev_of_sets(
        [
            objective_values(usable_rows[usable_rows["replicate"] == replicate], box)
            for replicate in sorted(set(labels))
        ],
        box,
    )


def vorobev_of_sets(sets: Sequence[NDArray[np.float64]], box: Box) -> VorobevResult:
    """The same for sets of points in metric units, one per replicate; some may be empty."""
    fronts = [normalised_front(values, box) for values in sets]
    volumes = [volume(front, box.reference) for front in fronts]
    mean = sum(volumes) / max(len(volumes), 1)
    surfaces = attainment_surfaces(fronts, range(1, len(fronts) + 1))
    measured = {k: volume(surface, box.reference) for k, surface in surfaces.items()}
    # the surface of 1 holds all replicates, so that only rounding could put it below their mean
    k = max((k for k, found in measured.items() if found >= mean * (1 - 1e-12)), default=1)
    expectation = surfaces.get(k, np.empty((0, len(box.metrics))))
    united = [volume(np.concatenate([front, expectation]), box.reference) for front in fronts]
    deviation = 2 * sum(united) / max(len(united), 1) - mean - measured.get(k, 0.0)
    return VorobevResult(
        threshold=k / max(len(fronts), 1),
        expectation=metric_units(expectation, box),
        deviation=max(deviation, 0.0),
    )
