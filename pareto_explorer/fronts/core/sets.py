"""The points of each family in each replicate, the sets that attainment compares."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.core.hypervolume import beyond
from pareto_explorer.fronts.core.tables import objective_values, usable

__all__ = ["Sets", "family_sets", "metric_units", "normalised_front", "signs"]

Sets = dict[int, NDArray[np.float64]]
"""The usable points of one family, by replicate, each (n, m) in metric units."""


def family_sets(points: pd.DataFrame, box: Box) -> dict[str, Sets]:
    """Splits the usable rows by family and replicate.

    Args:
        points: A points table.
        box: The objectives.

    Returns:
        For each family, sorted by name, one matrix for every replicate that any family has; it is
        empty where the family has no usable point. The order of the rows is kept.

    Raises:
        InputError: An objective is no column of the table.
    """
    families, family_codes = np.unique(points["family"].to_numpy(str), return_inverse=True)
    replicates, replicate_codes = np.unique(points["replicate"], return_inverse=True)
    chosen = usable(points, box).to_numpy(bool)
    codes = (family_codes * len(replicates) + replicate_codes)[chosen]
    values = objective_values(points[chosen], box)[np.argsort(codes, kind="stable")]
    ends = np.cumsum(np.bincount(codes, minlength=len(families) * len(replicates)))
    sets = iter(np.split(values, ends[:-1]))
    return {
        str(family): {int(replicate): next(sets) for replicate in replicates} for family in families
    }


def normalised_front(values: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """The non-dominated ones of the points inside the box, normalised."""
    units = box.normalise(values)
    units = units[~beyond(units, box)]
    return units[non_dominated(units)]


def signs(box: Box) -> NDArray[np.float64]:
    """1 where an objective is minimised, -1 where it is maximised.

    Values times signs are minimised, and signed values times signs are the values again, exactly.
    """
    return np.array([1.0 if o.direction == "min" else -1.0 for o in box.objectives])


def metric_units(units: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """Undoes ``box.normalise``."""
    ideal = np.array([objective.ideal for objective in box.objectives])
    nadir = np.array([objective.nadir for objective in box.objectives])
    return np.asarray(ideal + units * (nadir - ideal))
