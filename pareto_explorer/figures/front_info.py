"""What the front figure shows, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from pareto_explorer.figures.shared.hover import point_hover, seeds_line, told_knobs
from pareto_explorer.figures.shared.landmark_clouds import LandmarkCloud, landmark_clouds
from pareto_explorer.figures.shared.style import FamilyStyle, family_styles
from pareto_explorer.fronts import Box, non_dominated, replicate_means
from pareto_explorer.fronts.core.sets import metric_units
from pareto_explorer.runs import metric_columns
from pareto_explorer.schema.columns import Checkpoint, checkpoint_of
from pareto_explorer.schema.metrics import tokens_in

__all__ = [
    "FamilyFront",
    "FrontInfo",
    "front_info",
    "staircase",
    "thin",
]

_FINEST = 512  # cells along each axis: about a pixel


def thin(
    units: npt.NDArray[np.float64],
    keep: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.int64],
    limit: int,
) -> npt.NDArray[np.bool_]:
    """Chooses the points to draw: those to keep, and at most ``limit`` of the others.

    Of the others, each cell of a grid gives one point of each group first, so that what goes are
    points that lie on top of one another; the grid is the finest that meets the limit. No draw is
    random: the same points give the same choice.

    Args:
        units: (n, m) points, in units in which the view goes from 0 to 1.
        keep: (n,) points that are drawn in any case.
        groups: (n,) number of the group of each point.
        limit: How many of the others may be drawn.

    Returns:
        (n,) marks.
    """
    others = np.flatnonzero(~keep)
    if len(others) <= limit:
        return np.ones(len(keep), dtype=np.bool_)
    inside = np.clip(units[others], -1, 2)  # those far outside the view need no cells of theirs
    side = _FINEST
    while True:
        cells = np.floor(inside * side).astype(np.int64)
        table = np.column_stack([groups[others], cells])
        first = np.sort(np.unique(table, axis=0, return_index=True)[1])
        if len(first) <= limit or side == 1:
            break
        side //= 2
    rest = np.setdiff1d(np.arange(len(others)), first)
    chosen = np.concatenate([_spaced(first, limit), _spaced(rest, max(limit - len(first), 0))])
    marks = keep.copy()
    marks[others[chosen]] = True
    return marks


def _spaced(items: npt.NDArray[np.int64], number: int) -> npt.NDArray[np.int64]:
    """At most ``number`` items, evenly spaced."""
    if len(items) <= number:
        return items
    return items[np.arange(number) * len(items) // max(number, 1)]


Values = npt.NDArray[np.float64]
_PADDING = 0.06  # free space around the box, as a share of the view
_DOMINATED = 3_000  # more dominated points than this are not all drawn


class FamilyFront(NamedTuple):
    """One family in metric units; m is the number of objectives.

    Attributes:
        values: (n, m) replicate means, one for each checkpoint that is drawn.
        on_front: (n,) whether the mean is on the family's own front.
        hover: n texts.
        keys: n times (trial_id, step, position).
        stairs: (k, 2) corners of the front's staircase inside the box, from one edge of the box to
            the other; empty with three objectives or without a point inside the box.
    """

    name: str
    style: FamilyStyle
    values: Values
    on_front: npt.NDArray[np.bool_]
    hover: tuple[str, ...]
    keys: tuple[Checkpoint, ...]
    stairs: Values


class FrontInfo(NamedTuple):
    """The whole figure in metric units.

    Attributes:
        reference: The box's reference point.
        pooled_stairs: Staircase of the front of all families together.
        view: For each objective the (low, high) ends of its axis: the box, the landmarks and
            some space around them.
        n_beyond: Replicate means at or beyond the reference point in some objective.
        n_outside: Replicate means outside ``view``.
        n_hidden: Replicate means that are not drawn, because others like them are.
        tokens: Whether all of it was measured on sequences with a label per token.
    """

    box: Box
    reference: tuple[float, ...]
    families: tuple[FamilyFront, ...]
    landmarks: tuple[LandmarkCloud, ...]
    pooled_stairs: Values
    view: tuple[tuple[float, float], ...]
    n_beyond: int
    n_outside: int
    n_hidden: int
    tokens: bool


def front_info(
    points: pd.DataFrame,
    landmarks: pd.DataFrame,
    box: Box,
    *,
    means: pd.DataFrame | None = None,
) -> FrontInfo:
    """Computes what ``plot_front`` draws.

    Of some thousands of dominated points, those that lie on top of one another are left out; the
    fronts, staircases and counts are always those of all points.

    Args:
        points: Points table; only finite points that went well are shown, as replicate means.
        landmarks: Landmarks table.
        box: Two or three objectives with their bounds.
        means: ``replicate_means(points, box)``, where it is at hand already.
    """
    means = replicate_means(points, box) if means is None else means
    clouds = landmark_clouds(landmarks, box.metrics)
    units = box.normalise(_values(means, box))
    low, high = _view(units, [box.normalise(cloud.values) for cloud in clouds], box)
    ends = np.sort(metric_units(np.vstack([low, high]), box), axis=0)
    drawn = thin(
        (units - low) / (high - low),
        means["on_family_front"].to_numpy(bool),
        means["family"].factorize()[0],
        _DOMINATED,
    )
    hover_metrics = list(dict.fromkeys([*box.metrics, *metric_columns(points)]))
    tell = partial(
        point_hover, metrics=hover_metrics, seeds=seeds_line(points), knobs=told_knobs(means)
    )
    families = tuple(
        _family(name, style, means[drawn & (means["family"] == name)], box, tell)
        for name, style in family_styles(points).items()
    )
    return FrontInfo(
        box=box,
        reference=tuple(metric_units(np.atleast_2d(box.reference), box)[0]),
        families=families,
        landmarks=clouds,
        pooled_stairs=staircase(_values(means, box), box),
        view=tuple((float(a), float(b)) for a, b in ends.T),
        n_beyond=int(means["beyond_box"].sum()),
        n_outside=int(((units < low) | (units > high)).any(axis=1).sum()),
        n_hidden=int((~drawn).sum()),
        tokens=tokens_in({*points.columns, *landmarks.columns}),
    )


def staircase(values: Values, box: Box) -> Values:
    """The edge of the area that ``values`` dominate inside the box, as corners of a polyline.

    Args:
        values: (n, 2) points in metric units.
        box: The box; a point at or beyond its reference point dominates nothing inside it.

    Returns:
        (k, 2) corners in metric units, from where the first objective is best to where the second
        is; (0, 2) when nothing inside is dominated or when there are three objectives.
    """
    reference = box.reference
    units = box.normalise(values)
    units = units[(units < reference).all(axis=1)]
    if len(reference) != 2 or not len(units):
        return np.empty((0, 2))
    front = np.unique(units[non_dominated(units)], axis=0)  # sorted by the first objective
    inner = np.column_stack([np.repeat(front[:, 0], 2)[1:], np.repeat(front[:, 1], 2)[:-1]])
    corners = np.vstack([[front[0, 0], reference[1]], inner, [reference[0], front[-1, 1]]])
    return metric_units(corners, box)


def _family(
    name: str,
    style: FamilyStyle,
    means: pd.DataFrame,
    box: Box,
    tell: Callable[[Mapping[Any, Any]], str],
) -> FamilyFront:
    values = _values(means, box)
    records = means.to_dict("records")
    return FamilyFront(
        name=name,
        style=style,
        values=values,
        on_front=means["on_family_front"].to_numpy(bool),
        hover=tuple(map(tell, records)),
        keys=tuple(map(checkpoint_of, records)),
        stairs=staircase(values, box),
    )


def _values(table: pd.DataFrame, box: Box) -> Values:
    return table.reindex(columns=list(box.metrics)).to_numpy(float)  # no column if nothing ended


def _view(points: Values, clouds: list[Values], box: Box) -> tuple[Values, Values]:
    """Ends of the axes in normalised units: box, landmarks and all points inside the box."""
    inside = points[(points < box.reference).all(axis=1)]
    shown = np.vstack([np.zeros(len(box.reference)), box.reference, inside, *clouds])
    low, high = shown.min(axis=0), shown.max(axis=0)
    return low - _PADDING * (high - low), high + _PADDING * (high - low)
