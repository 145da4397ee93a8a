"""The axes of a parallel-coordinates plot: every column as numbers with readable ticks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts import Box
from pareto_explorer.fronts.statistics.knobs import off_scale
from pareto_explorer.schema.columns import CONFIG_PREFIX, POSITION, config_columns
from pareto_explorer.schema.metrics import label

__all__ = ["ParallelAxis", "parallel_axes"]

_DECADES = 1.5  # a knob that spans more is shown on a logarithmic axis
_TICKS = 5
_NOT_SET = "not set"


class ParallelAxis(NamedTuple):
    """One axis.

    Attributes:
        column: The column of the replicate means.
        title: What the axis is called.
        values: (n,) heights; a cell that is missing lies below all others, one that is off any
            scale, such as an infinite one, at a tick of its own past the end.
        ticks: Heights with a tick.
        texts: What stands beside them.
    """

    column: str
    title: str
    values: NDArray[np.float64]
    ticks: tuple[float, ...]
    texts: tuple[str, ...]


def parallel_axes(means: pd.DataFrame, box: Box) -> tuple[ParallelAxis, ...]:
    """The axes of a run: the knobs, step and position where they vary, and the objectives.

    Args:
        means: Replicate means.
        box: The objectives.
    """
    places = [name for name in ("step", POSITION) if name in means]
    varying = [
        name for name in [*config_columns(means), *places] if means[name].nunique(dropna=False) > 1
    ]
    return tuple(_axis(means[name], name) for name in [*varying, *box.metrics])


def _axis(column: pd.Series, name: str) -> ParallelAxis:
    title = name.removeprefix(CONFIG_PREFIX) if name.startswith(CONFIG_PREFIX) else label(name)
    present = column.notna().to_numpy()
    kind = column.dtype
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind):
        heights = column.to_numpy(dtype=np.float64, na_value=np.nan)
        heights, ticks, texts = _numbers(heights, logarithmic=name.startswith(CONFIG_PREFIX))
    else:
        words = sorted(set(column[present].astype(str)))
        heights = np.full(len(column), np.nan)
        heights[present] = [words.index(word) for word in column[present].astype(str)]
        ticks, texts = [float(i) for i in range(len(words))], words
    if np.isnan(heights).any():
        known = heights[~np.isnan(heights)]
        below = known.min() - _gap(known) if len(known) else 0.0
        heights = np.where(np.isnan(heights), below, heights)
        ticks, texts = [below, *ticks], [_NOT_SET, *texts]
    return ParallelAxis(name, title, heights, tuple(ticks), tuple(texts))


def _numbers(
    values: NDArray[np.float64], *, logarithmic: bool
) -> tuple[NDArray[np.float64], list[float], list[str]]:
    far = off_scale(values)
    heights, ticks, texts = _scale(np.where(far, np.nan, values), logarithmic=logarithmic)
    for level, place in _past_the_ends(np.unique(values[far]), heights).items():
        heights[values == level] = place
        ticks.append(place)
        texts.append(f"{level:.3g}")
    return heights, ticks, texts


def _scale(
    values: NDArray[np.float64], *, logarithmic: bool
) -> tuple[NDArray[np.float64], list[float], list[str]]:
    known = values[~np.isnan(values)]
    if not len(known):
        return values, [], []
    low, high = known.min(), known.max()
    if logarithmic and low > 0 and np.log10(high / low) > _DECADES:
        heights = np.log10(values)
        ticks = np.linspace(np.log10(low), np.log10(high), _TICKS)
        return heights, ticks.tolist(), [f"{10**tick:.2g}" for tick in ticks]
    ticks = np.linspace(low, high, _TICKS) if high > low else np.array([low])
    return values, ticks.tolist(), [f"{tick:.3g}" for tick in ticks]


def _past_the_ends(levels: NDArray[np.float64], heights: NDArray[np.float64]) -> dict[float, float]:
    """Where the numbers stand that are off the scale, at even distances in their order."""
    known = heights[~np.isnan(heights)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    below, above = levels[levels < 0][::-1].tolist(), levels[levels > 0].tolist()
    gap = _gap(known)
    return {level: low - gap * place for place, level in enumerate(below, 1)} | {
        level: high + gap * place for place, level in enumerate(above, 1)
    }


def _gap(known: NDArray[np.float64]) -> float:
    """How far past the end of a scale stands what is not on it."""
    return 0.15 * max(float(np.ptp(known)), 1e-9) if len(known) else 1.0
