"""Exclusive hypervolume: what the pooled front would lose without a point, family or knob value."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.checked import exclusive_contributions, volume
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.core.sets import family_sets
from pareto_explorer.fronts.core.tables import objective_values, replicate_means
from pareto_explorer.fronts.statistics.cross_fitting import replicates_run
from pareto_explorer.fronts.statistics.knobs import knob_groups, knob_name, varying_knobs

__all__ = [
    "exclusive_volumes",
    "family_contributions",
    "knob_contributions",
    "point_contributions",
]

_ROUNDING = 1e-13  # of a difference of two hypervolumes


def point_contributions(means: pd.DataFrame, box: Box) -> NDArray[np.float64]:
    """The hypervolume that would be lost without each point.

    A point that another one dominates or equals loses nothing; where a dominated point would take
    the place of the one left out, only the rest is lost.

    Args:
        means: Replicate means, with finite objectives.
        box: The objectives.

    Returns:
        One contribution per row, in normalised units.

    Raises:
        InputError: An objective that is not finite.
    """
    units = box.normalise(objective_values(means, box))
    return exclusive_volumes(units, np.arange(len(units)), box.reference)


def family_contributions(
    points: pd.DataFrame,
    box: Box,
    over: Literal["means", "replicates"] = "means",
    *,
    means: pd.DataFrame | None = None,
) -> dict[str, float]:
    """The hypervolume that would be lost without each family.

    Args:
        points: A points table.
        box: The objectives.
        over: "means" for the front of the replicate means; "replicates" for the mean over the
            replicates, in which the family was run, of what the pooled front of each would lose.
        means: ``replicate_means(points, box)``, where it is at hand already.

    Returns:
        One contribution per family, sorted by name, in normalised units.

    Raises:
        InputError: An objective is no column of the table.
    """
    sets = family_sets(points, box)
    names = list(sets)
    if over == "means":
        means = replicate_means(points, box) if means is None else means
        units = box.normalise(objective_values(means, box))
        codes = pd.Categorical(means["family"], categories=names).codes.astype(np.intp)
        lost = exclusive_volumes(units, codes, box.reference, len(names))
        return dict(zip(names, lost.tolist(), strict=True))
    replicates = list(next(iter(sets.values()), {}))
    total = np.zeros(len(names))
    for replicate in replicates:
        families = [sets[name][replicate] for name in names]
        units = box.normalise(np.concatenate(families))
        codes = np.repeat(np.arange(len(names)), [len(values) for values in families])
        total += exclusive_volumes(units, codes, box.reference, len(names))
    run = replicates_run(points)
    return {name: float(lost / len(run[name])) for name, lost in zip(names, total, strict=True)}


def knob_contributions(
    points: pd.DataFrame, box: Box, *, means: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The hypervolume of the replicate means that would be lost without each value of a knob.

    Args:
        points: A points table.
        box: The objectives.
        means: ``replicate_means(points, box)``, where it is at hand already.

    Returns:
        One row per ``knob`` that varies and its ``value``: a number or word, or one of four
        quantile bins ("0.01 to 0.03") of a knob with many numbers; with the number of ``points``
        that have it and their ``contribution`` in normalised units. Points without the knob are in
        none of its rows, but stay when others leave.

    Raises:
        InputError: An objective is no column of the table.
    """
    means = replicate_means(points, box) if means is None else means
    units = box.normalise(objective_values(means, box))
    tables = []
    for column in varying_knobs(means):
        codes, labels = knob_groups(means[column])
        lost = exclusive_volumes(
            units, np.where(codes < 0, len(labels), codes), box.reference, len(labels) + 1
        )[: len(labels)]
        tables.append(
            pd.DataFrame(
                {
                    "knob": knob_name(column),
                    "value": labels,
                    "points": np.bincount(codes[codes >= 0], minlength=len(labels)),
                    "contribution": lost,
                }
            )
        )
    empty = pd.DataFrame(columns=["knob", "value", "points", "contribution"])
    return pd.concat(tables, ignore_index=True) if tables else empty


def exclusive_volumes(
    units: NDArray[np.float64],
    groups: NDArray[np.intp],
    reference: tuple[float, ...],
    n_groups: int | None = None,
) -> NDArray[np.float64]:
    """The hypervolume of all points minus that of all points but those of each group.

    Takes one hypervolume for each group that is on the front; single points with two objectives
    O(n log n) together.

    Args:
        units: (n, m), normalised.
        groups: (n,) the group of each point, from 0.
        reference: The reference point.
        n_groups: The number of groups; one more than the largest unless given.

    Returns:
        (n_groups,) volumes, at least 0.
    """
    count = n_groups if n_groups is not None else int(groups.max(initial=-1)) + 1
    lost = np.zeros(count)
    inside = (units < np.array(reference)).all(axis=1)
    units, groups = units[inside], groups[inside]
    leaders = np.unique(groups[non_dominated(units)])
    # whoever leaves, a point that another group's point beats cannot come to the front unless
    # that group leaves; and only groups on the front are missed at all
    leading = np.isin(groups, leaders)
    kept = np.concatenate(
        [
            np.flatnonzero(member)[non_dominated(units[member])]
            for member in (~leading, *(groups == leader for leader in leaders))
        ]
    )
    units, groups = units[kept], groups[kept]
    if units.shape[1] == 2 and len(leaders) == leading.sum():  # single points, in one sweep
        own = exclusive_contributions(units, reference)
        lost[groups] = own
    else:
        whole = volume(units, reference)
        lost[leaders] = [whole - volume(units[groups != leader], reference) for leader in leaders]
    return np.where(lost > _ROUNDING, lost, 0.0)
