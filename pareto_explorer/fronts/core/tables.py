"""From the points table to replicate means and their front."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.errors import unknown
from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.core.hypervolume import beyond
from pareto_explorer.fronts.core.values import LARGEST
from pareto_explorer.schema.columns import (
    CHECKPOINT,
    STD_SUFFIX,
    config_columns,
    diagnostic_columns,
    metric_columns,
    moved,
    positioned,
)
from pareto_explorer.schema.statuses import OK

__all__ = ["front", "objective_values", "replicate_means", "usable"]

_SHARED = ["trial_id", "family", "method", "aggregator", "forget_loss", "step", "position"]
_SPENT = ["samples", "seconds"]


def usable(points: pd.DataFrame, box: Box) -> pd.Series[bool]:
    """Marks the rows that can be on a front: ``status`` is "ok" and every objective measurable.

    An objective that is infinite, or so large that no volume can be calculated from it (see
    `Box.measurable`), counts for nothing.

    Args:
        points: A points table.
        box: The objectives.

    Returns:
        One mark per row.

    Raises:
        InputError: An objective is another column than a metric or a diagnostic, or no column of a
            table that has "ok" rows.
    """
    marks = points["status"] == OK
    metrics = metric_columns(points)
    for metric in box.metrics:
        if metric not in (*metrics, *diagnostic_columns(points)) and (
            marks.any() or metric in points.columns
        ):
            raise unknown("objective", metric, metrics)
    if not marks.any():
        return marks
    return marks & box.measurable(points[list(box.metrics)].to_numpy(dtype=np.float64))


def objective_values(table: pd.DataFrame, box: Box) -> NDArray[np.float64]:
    """The objectives' columns as (n, m), in metric units; a table without rows may lack them."""
    if table.empty:
        return np.empty((0, len(box.metrics)))
    return table[list(box.metrics)].to_numpy(dtype=np.float64)


def replicate_means(points: pd.DataFrame, box: Box | None = None) -> pd.DataFrame:
    """Averages every checkpoint over its replicates.

    Only a (trial, step, position) with an "ok" row in every replicate of the table counts, so that
    no mean leaves out the replicates that went wrong.

    Args:
        points: A points table.
        box: If given, a checkpoint with an objective that is not finite in some replicate does not
            count either, and three columns tell where each mean lies: ``on_front``
            (non-dominated among all), ``on_family_front`` (among its family) and ``beyond_box``
            (at or beyond the reference point in some objective).

    Returns:
        One row per (trial_id, step, position), sorted by them: the identity columns, the means of
        ``samples`` and ``seconds``, the knobs, one that moves along a path with its value at the
        checkpoint, and for each metric and diagnostic its mean under its own name and its sample
        standard deviation (NaN for a single replicate) under ``<name>.std``.

    Raises:
        InputError: An objective is no column of the table.
    """
    points = positioned(points)
    n = max(points["replicate"].nunique(), 1)
    rows = points[points["status"] == OK if box is None else usable(points, box)]
    complete = rows[rows.groupby([*CHECKPOINT])["replicate"].transform("size") == n]
    complete = complete.sort_values([*CHECKPOINT, "replicate"], ignore_index=True)

    measures = metric_columns(points) + diagnostic_columns(points)
    measured = [*_SPENT, *measures]
    values = complete[measured].to_numpy(dtype=np.float64)
    mean, std = _mean_and_std(values.reshape(len(complete) // n, n, len(measured)))
    means = pd.DataFrame(mean, columns=measured)
    stds = pd.DataFrame(std, columns=measured)[measures].add_suffix(STD_SUFFIX)
    first = moved(complete.iloc[::n].reset_index(drop=True))
    knobs = sorted(config_columns(first))
    table = pd.concat(
        [first[_SHARED], means[_SPENT], first[knobs], means[measures], stds],
        axis=1,
    )
    return table if box is None else _with_marks(table, box)


def front(points: pd.DataFrame, box: Box, *, means: pd.DataFrame | None = None) -> pd.DataFrame:
    """The non-dominated replicate means of all families together.

    Args:
        points: A points table.
        box: The objectives.
        means: ``replicate_means(points, box)``, where it is at hand already.

    Returns:
        The rows of ``replicate_means(points, box)`` with ``on_front``, best first in the first
        objective.

    Raises:
        InputError: An objective is no column of the table.
    """
    means = replicate_means(points, box) if means is None else means
    means = means[means["on_front"]]
    order = np.lexsort(box.normalise(objective_values(means, box)).T[::-1])
    return means.iloc[order].reset_index(drop=True)


def _with_marks(means: pd.DataFrame, box: Box) -> pd.DataFrame:
    values = box.normalise(objective_values(means, box))
    families = means["family"].to_numpy()
    on_family_front = np.zeros(len(means), dtype=np.bool_)
    for family in means["family"].unique():
        members = families == family
        on_family_front[members] = non_dominated(values[members])
    return means.assign(
        on_front=non_dominated(values),
        on_family_front=on_family_front,
        beyond_box=beyond(values, box),
    )


def _mean_and_std(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # a power of two changes no digit, and keeps sums and squares of large values finite
    scale = np.where(np.abs(values).max(axis=1, keepdims=True) > LARGEST, 2.0**-600, 1.0)
    values, scale = values * scale, scale[:, 0]
    with np.errstate(invalid="ignore"):  # an infinite diagnostic has no spread
        mean = values.mean(axis=1) / scale
        if values.shape[1] < 2:
            return mean, np.full_like(mean, np.nan)
        return mean, values.std(axis=1, ddof=1) / scale
