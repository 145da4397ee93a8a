"""Which of very many points are worth drawing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["thin"]

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
