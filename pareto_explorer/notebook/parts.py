"""What the notebook's explorer is made of that needs no widget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.figures import LIGHT, FamilyStyle, ParallelAxis
from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.fronts.statistics.knobs import off_scale
from pareto_explorer.results import Run
from pareto_explorer.schema.columns import (
    CONFIG_PREFIX,
    POSITION,
    config_columns,
    diagnostic_columns,
    metric_columns,
    uses_positions,
)
from pareto_explorer.schema.metrics import inline, label, measure
from pareto_explorer.text import count

__all__ = [
    "CORNERS",
    "FAINT",
    "axis_columns",
    "axis_dimension",
    "colour_steps",
    "column_name",
    "inside",
    "ranges",
    "summary",
]

FAINT = "#d5dade"

CORNERS = ("type", "x0", "x1", "y0", "y1", "path")
"""What says where one of Plotly's ``layout.selections`` is."""

_SUMMARY_FAMILIES = 5


def axis_columns(means: pd.DataFrame, run: Run) -> list[str]:
    """What can be an axis of the scatter: objectives first, then everything measured."""
    knobs = [
        name
        for name in config_columns(means)
        if pd.api.types.is_numeric_dtype(means[name].dtype)
        and not pd.api.types.is_bool_dtype(means[name].dtype)
        and not off_scale(means[name].to_numpy(dtype=np.float64, na_value=np.nan)).any()
    ]
    measured = [*metric_columns(run.points), *diagnostic_columns(run.points)]
    places = ["step", *[POSITION] * uses_positions(means)]
    found = [*run.box.metrics, *measured, *places, "samples", "seconds", *knobs]
    return [name for name in dict.fromkeys(found) if name in means.columns]


def column_name(column: str) -> str:
    """A column as a reader would write it; a knob is called one."""
    if column.startswith(CONFIG_PREFIX):
        return f"{column.removeprefix(CONFIG_PREFIX)} (knob)"
    return label(column)


def axis_dimension(axis: ParallelAxis) -> dict[str, Any]:
    """An axis as Plotly's parallel coordinates want it; its name is the column."""
    return {
        "name": axis.column,
        "label": plain(axis.title),
        "values": axis.values,
        "tickvals": list(axis.ticks),
        "ticktext": list(axis.texts),  # Plotly knows no markup here, so nothing is escaped
    }


def colour_steps(styles: Sequence[FamilyStyle]) -> list[list[Any]]:
    """A scale of steps: 0 is faint, family i has its own colour from i - 1/2 to i + 1/2."""
    n = len(styles)
    steps = [(0.0, FAINT), (0.5, FAINT)]
    for i, style in enumerate(styles, start=1):
        colour = style.colour(LIGHT)
        steps += [(i - 0.5, colour), (min(i + 0.5, n), colour)]
    return [[position / n, colour] for position, colour in steps]


def ranges(constraint: Any) -> list[tuple[float, float]]:
    """Plotly's ``constraintrange`` as pairs: it is nothing, one pair or several."""
    if constraint is None or len(constraint) == 0:
        return []
    pairs = constraint if np.ndim(constraint[0]) else [constraint]
    return [(float(low), float(high)) for low, high in pairs]


def inside(
    drawn: Mapping[str, Any], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which points lie in a box or a lasso.

    Args:
        drawn: What `CORNERS` names: two corners, or the path of a polygon.
        x: (n,) across.
        y: (n,) upwards.

    Returns:
        (n,) True inside; a lasso that crosses itself has holes, by the even-odd rule.
    """
    if drawn["type"] == "rect":
        left, right = sorted((drawn["x0"], drawn["x1"]))
        low, high = sorted((drawn["y0"], drawn["y1"]))
        return (x >= left) & (x <= right) & (y >= low) & (y <= high)
    corners = [
        (float(across), float(up))
        for across, up in re.findall(r"[ML]([^,]+),([^MLZ]+)", drawn["path"])
    ]
    odd = np.zeros(len(x), dtype=np.bool_)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        if y0 != y1:
            crossing = (y0 > y) != (y1 > y)
            odd ^= crossing & (x < x0 + (x1 - x0) * (y - y0) / (y1 - y0))
    return odd


def summary(means: pd.DataFrame, mask: NDArray[np.bool_], run: Run) -> str:
    """What is selected, in three lines of HTML.

    Args:
        means: Replicate means.
        mask: (n,) which of them are selected.
        run: The run, for its objectives.
    """
    chosen = means[mask]
    if mask.all():
        head = f"<b>All {len(means):,} models</b>; draw a box, a lasso or a range to select some."
    else:
        n = int(chosen["on_front"].sum())
        head = f"<b>{len(chosen):,} of {len(means):,} models</b>, {n:,} of them on the front."
    if chosen.empty:
        return f"<p>{head}</p>"
    spans = "; ".join(
        f"{escape(inline(metric))} {measure(chosen[metric].min())} to "
        f"{measure(chosen[metric].max())}"
        for metric in run.box.metrics
    )
    counts = chosen["family"].value_counts()
    shown = [f"{escape(str(name))} {n:,}" for name, n in counts.head(_SUMMARY_FAMILIES).items()]
    rest = len(counts) - len(shown)
    others = f" and {count(rest, 'other family', 'other families')}" if rest else ""
    families = ", ".join(shown) + others
    return f"<p>{head}<br>{spans}.<br>{families}.</p>"
