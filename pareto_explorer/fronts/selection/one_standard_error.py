"""The one-standard-error rule: the earliest model that is not distinguishable from the best.

Source: Breiman et al., "Classification and regression trees" (1984), section 3.4.3, with paired
differences over replicates in place of cross-validation folds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.errors import InputError
from pareto_explorer.schema.columns import CHECKPOINT, KEY, config_columns, place, positioned
from pareto_explorer.text import count

__all__ = ["alike", "by_preference", "knob_counts", "replicate_values", "simplest"]

_ROUNDING = 1e-9


def replicate_values(
    points: pd.DataFrame, means: pd.DataFrame, columns: Sequence[str]
) -> NDArray[np.float64]:
    """The values behind replicate means.

    Args:
        points: The points table that the means were made from.
        means: Rows of ``replicate_means``, in any order.
        columns: The columns wanted.

    Returns:
        (n, replicates, columns), a row of ``means`` each, replicates by number.
    """
    n = points["replicate"].nunique()
    order = positioned(means)[[*CHECKPOINT]].assign(_row=np.arange(len(means)))
    rows = positioned(points)[[*KEY, *columns]].merge(order, on=[*CHECKPOINT])
    rows = rows.sort_values(["_row", "replicate"])
    values = rows[list(columns)].to_numpy(dtype=np.float64)
    return values.reshape(len(means), n, len(columns))


def alike(scores: NDArray[np.float64], best: int) -> NDArray[np.bool_]:
    """Marks the models whose scores are not distinguishable from those of the best one.

    A score counts as such when its mean difference to the best one's over the replicates is at
    most one standard error of these differences.

    Args:
        scores: (n, replicates, k), smaller is better, at least two replicates. With several
            scores a model must be alike in each.
        best: Position of the best model.

    Returns:
        (n,) mask; the best itself is always marked.
    """
    differences = scores - scores[best]
    error = differences.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])
    # a difference in one replicate only is exactly one standard error: let no rounding decide it
    return np.asarray((differences.mean(axis=1) <= error * (1 + _ROUNDING)).all(axis=1))


def knob_counts(means: pd.DataFrame) -> NDArray[np.int64]:
    """How many knobs each row has."""
    return means[config_columns(means)].notna().to_numpy().sum(axis=1).astype(np.int64)


def by_preference(means: pd.DataFrame) -> NDArray[np.int64]:
    """The order in which one would take equally good rows.

    Returns:
        (n,) positions: the fewest samples first, or the fewest steps where nobody counted samples,
        then the fewest knobs, then by step, trial and position.
    """
    keys = positioned(means)[[*CHECKPOINT]].assign(_row=np.arange(len(means)))
    keys = keys.assign(_spent=_spent(means), _knobs=knob_counts(means))
    ordered = keys.sort_values(["_spent", "_knobs", "step", "trial_id", "position"], kind="stable")
    return ordered["_row"].to_numpy(dtype=np.int64)


def _spent(means: pd.DataFrame) -> NDArray[np.float64]:
    """What makes a model early: its samples, or its step where all samples are 0."""
    samples = means["samples"].to_numpy(dtype=np.float64)
    return samples if samples.any() else means["step"].to_numpy(dtype=np.float64)


def simplest(considered: pd.DataFrame, scores: NDArray[np.float64], best: int) -> tuple[int, str]:
    """Finds the earliest model that is not distinguishable from the best one.

    Args:
        considered: Replicate means.
        scores: (n, replicates, k), smaller is better; see ``alike``.
        best: Position of the best model.

    Returns:
        The position of the model with the fewest samples among those that are alike, then with
        the fewest knobs, then the best one itself or else the one with the smallest worst mean
        difference to it; and what was done, in words.

    Raises:
        InputError: There is one replicate only.
    """
    if scores.shape[1] < 2:
        raise InputError(
            "`one_standard_error`: the run has one replicate, which has no standard error; leave "
            "it out or sweep more replicates."
        )
    same = np.flatnonzero(alike(scores, best))
    knobs, samples = knob_counts(considered), considered["samples"].to_numpy(dtype=np.float64)
    worse = (scores - scores[best]).mean(axis=1).max(axis=1)
    spent = _spent(considered)
    order = np.lexsort([worse[same], same != best, knobs[same], spent[same]])
    position = int(same[order[0]])
    if len(same) == 1:
        return position, "every other model is distinguishable from the best"
    if position == best:
        return position, (
            f"of {len(same):,} models that are not distinguishable from the best, it is the "
            "earliest with the fewest knobs itself"
        )
    steps, positions = considered["step"], positioned(considered)["position"]
    first, taken = (
        f"{considered['trial_id'].iloc[i]} at {place(steps.iloc[i], positions.iloc[i])} "
        f"({samples[i]:,.0f} samples, {count(knobs[i], 'knob')})"
        for i in (best, position)
    )
    return position, (
        f"{len(same):,} models are not distinguishable from the best, {first}; the earliest of "
        f"them with the fewest knobs is taken, {taken}"
    )
