"""Hypervolume against what was spent: trials, seconds or samples."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.errors import unknown
from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.checked import nondominated, volume
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.core.tables import objective_values, usable

__all__ = ["AXES", "anytime_curves", "common_grid", "trial_order"]

AXES = ("trials", "seconds", "samples")
"""What hypervolume can be drawn against."""

_COLUMNS = ["family", "replicate", "x", "hypervolume"]
_GRID = 500
_FEW = 32


def anytime_curves(
    points: pd.DataFrame, box: Box, axis: Literal["trials", "seconds", "samples"] = "trials"
) -> pd.DataFrame:
    """Follows the hypervolume of each family in each replicate.

    A family's trials are taken one after another, by the number at the end of their names, then by
    name, whatever ran at the same time. Against trials, all checkpoints of a trial count when it
    has ended; against seconds or samples, each counts when the trials before it and its own steps
    were paid for. Trials that went wrong cost what they spent.

    Args:
        points: A points table.
        box: The objectives.
        axis: "trials", or the "seconds" of unlearning or the "samples" of this replicate.

    Returns:
        Columns ``family``, ``replicate``, ``x`` and ``hypervolume`` (normalised): a step
        function, continuous from the right, with one row where it starts (0, 0), one at every
        change and one where the family's trials end.

    Raises:
        InputError: Another axis, or an objective that is no column of the table.
    """
    if axis not in AXES:
        raise unknown("axis", axis, AXES)
    table = points.sort_values("step", kind="stable", ignore_index=True)
    order = trial_order(table["trial_id"])
    table = table.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)
    order = np.sort(order)
    marks = usable(table, box).to_numpy(bool)
    units = np.full((len(table), len(box.metrics)), np.inf)
    units[marks] = box.normalise(objective_values(table[marks], box))
    replicate_ids = table["replicate"].to_numpy()
    families = table["family"].to_numpy(str)
    spent = None if axis == "trials" else _finite(table[axis])
    pieces = []
    for family in np.unique(families):
        of_family = np.flatnonzero(families == family)
        trials, place = np.unique(order[of_family], return_inverse=True)
        for replicate in np.unique(replicate_ids):
            own = replicate_ids[of_family] == replicate
            rows, trial = of_family[own], place[own]
            if spent is None:
                x, end = trial + 1.0, float(len(trials))
            else:
                x, end = _paid(spent[rows], trial, len(trials))
            chosen = np.argsort(x, kind="stable")
            steps, volumes = _curve(x[chosen], units[rows[chosen]], end, box.reference)
            pieces.append(
                pd.DataFrame(
                    {"family": family, "replicate": replicate, "x": steps, "hypervolume": volumes}
                )
            )
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=_COLUMNS)


def common_grid(curves: pd.DataFrame) -> pd.DataFrame:
    """Averages the curves of a family's replicates, each carried on at its last value.

    Args:
        curves: What ``anytime_curves`` gives.

    Returns:
        Columns ``family``, ``x``, ``mean``, ``low`` and ``high``: the mean, the smallest and the
        largest value over the replicates where any of them changes, on 500 even steps where there
        are more changes than that.
    """
    pieces = []
    for family, of_family in curves.groupby("family", sort=True):
        grid = np.unique(of_family["x"])
        if len(grid) > _GRID:
            grid = np.linspace(grid[0], grid[-1], _GRID)
        values = []
        for _, curve in of_family.groupby("replicate", sort=True):
            reached = np.searchsorted(curve["x"].to_numpy(), grid, side="right") - 1
            values.append(curve["hypervolume"].to_numpy()[reached])
        pieces.append(
            pd.DataFrame(
                {
                    "family": family,
                    "x": grid,
                    "mean": np.mean(values, axis=0),
                    "low": np.min(values, axis=0),
                    "high": np.max(values, axis=0),
                }
            )
        )
    columns = ["family", "x", "mean", "low", "high"]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)


def trial_order(trial_ids: pd.Series[str]) -> NDArray[np.intp]:
    """The place of each row's trial: by the number at the end of its name, then by the name.

    Args:
        trial_ids: One name per row; names repeat. Those without a number come last.

    Returns:
        One place per row, from 0.
    """
    codes, found = pd.factorize(trial_ids)
    names = [str(name) for name in found]

    def key(code: int) -> tuple[float, str]:
        number = re.search(r"\d+$", names[code])
        return float(number.group()) if number else np.inf, names[code]

    places = np.empty(len(names), dtype=np.intp)
    places[sorted(range(len(names)), key=key)] = np.arange(len(names))
    return places[codes]


def _finite(values: pd.Series[float]) -> NDArray[np.float64]:
    numbers = values.to_numpy(dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, 0.0)


def _paid(
    spent: NDArray[np.float64], trial: NDArray[np.intp], n_trials: int
) -> tuple[NDArray[np.float64], float]:
    """What was spent when each row was there, and in total."""
    cost = np.zeros(n_trials)
    np.maximum.at(cost, trial, spent)
    before = np.concatenate([[0.0], np.cumsum(cost)])
    return before[trial] + spent, float(before[-1])


def _curve(
    x: NDArray[np.float64],
    units: NDArray[np.float64],
    end: float,
    reference: tuple[float, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The hypervolume after each change, from (0, 0) to the end; x ascends."""
    inside = np.flatnonzero((units < np.array(reference)).all(axis=1))
    if len(inside):
        # with time as one more objective, a point raises the volume if nothing dominates it
        timed = np.column_stack([units[inside], np.arange(len(inside), dtype=np.float64)])
        inside = inside[nondominated(timed, keep_equal=False)]
    gains = _gains_flat if len(reference) == 2 else _gains
    volumes = np.cumsum(gains(units[inside], reference))
    steps = x[inside]
    last = np.diff(steps, append=np.inf) > 0  # several points at once are one change
    steps, volumes = steps[last], volumes[last]
    started = len(steps) > 0 and steps[0] <= 0.0
    reached = float(volumes[-1]) if len(volumes) else 0.0
    ended = end <= (steps[-1] if len(steps) else 0.0)
    return (
        np.concatenate([[] if started else [0.0], steps, [] if ended else [end]]),
        np.concatenate([[] if started else [0.0], volumes, [] if ended else [reached]]),
    )


def _gains_flat(units: NDArray[np.float64], reference: tuple[float, ...]) -> list[float]:
    """What each point adds to those before it, two objectives, O(log n) each but for deletions."""
    xs: list[float] = []
    ys: list[float] = []
    right, top = reference
    gains = []
    for x, y in units.tolist():
        place = after = bisect_left(xs, x)
        gain, left, height = 0.0, x, ys[place - 1] if place else top
        while after < len(xs) and ys[after] >= y:
            gain += (xs[after] - left) * (height - y)
            left, height = xs[after], ys[after]
            after += 1
        gain += ((xs[after] if after < len(xs) else right) - left) * (height - y)
        xs[place:after] = [x]
        ys[place:after] = [y]
        gains.append(gain)
    return gains


def _gains(units: NDArray[np.float64], reference: tuple[float, ...]) -> list[float]:
    """What each point adds to those before it: its own box without what they dominate of it."""
    wholes = np.prod(np.array(reference) - units, axis=1).tolist()
    front = np.empty_like(units)  # and what it came to dominate since it was last cleared up
    size = cleared = 0
    gains = []
    for point, whole in zip(units, wholes, strict=True):
        gains.append(whole - volume(np.maximum(front[:size], point), reference) if size else whole)
        front[size] = point
        size += 1
        if size >= 2 * cleared + _FEW:
            kept = front[:size][non_dominated(front[:size])]
            size = cleared = len(kept)
            front[:size] = kept
    return gains
