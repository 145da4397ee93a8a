"""The two pictures of the notebook's explorer, as Plotly's widgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.figures import LIGHT, FamilyStyle, ParallelAxis
from pareto_explorer.figures.shared.hover import plain, point_hover, seeds_line, told_knobs
from pareto_explorer.figures.shared.style import base_layout
from pareto_explorer.notebook.parts import FAINT, axis_dimension, colour_steps, column_name
from pareto_explorer.results import Run
from pareto_explorer.schema.columns import metric_columns
from pareto_explorer.schema.metrics import BETTER

__all__ = ["Family", "axis_title", "landmark_kinds", "landmark_values", "parallel", "scatter"]

Family = tuple[str, FamilyStyle, NDArray[np.intp]]
"""A family's name, its style, and which of the replicate means are its."""

_LANDMARKS = {"original": ("x", "Original model"), "retrained": ("star", "Retrained model")}
_WIDTH = 960  # a figure widget would begin at 700 and jump at the first selection


def landmark_kinds(run: Run) -> list[str]:
    """The landmarks that a run has any of."""
    there = set(run.landmarks["landmark"])
    return [kind for kind in _LANDMARKS if kind in there]


def landmark_values(run: Run, kind: str, column: str) -> NDArray[np.float64]:
    """(n,) what landmarks of a kind have in a column; NaN where it was not measured of them."""
    rows = run.landmarks[run.landmarks["landmark"] == kind]
    if column not in metric_columns(rows):
        return np.full(len(rows), np.nan)
    return rows[column].to_numpy(dtype=float)


def axis_title(run: Run, column: str) -> str:
    """What is written at an axis."""
    better = {o.metric: f", {BETTER[o.direction]}" for o in run.box.objectives}
    return plain(column_name(column)) + better.get(column, "")


def scatter(run: Run, means: pd.DataFrame, families: Sequence[Family], x: str, y: str) -> Any:
    """Replicate means in two columns: a trace for each family, then one for each landmark."""
    import plotly.graph_objects as go  # needs packages that the explorer has asked for

    metrics = list(dict.fromkeys([*run.box.metrics, *metric_columns(run.points)]))
    seeds = seeds_line(run.points)
    knobs = told_knobs(means)
    hover = [point_hover(row, metrics, seeds, knobs) for row in means.to_dict("records")]
    traces = [_family_trace(means, family, hover, x, y) for family in families]
    for kind in landmark_kinds(run):
        symbol, title = _LANDMARKS[kind]
        traces.append(
            go.Scatter(
                x=landmark_values(run, kind, x),
                y=landmark_values(run, kind, y),
                mode="markers",
                name=title,
                marker={"symbol": symbol, "size": 11, "color": LIGHT.text},
                unselected={"marker": {"opacity": 0.9}},
            )
        )
    layout = base_layout(LIGHT) | {"height": 460, "dragmode": "select", "hovermode": "closest"}
    for letter, column in (("x", x), ("y", y)):
        layout[f"{letter}axis"] |= {"title": {"text": axis_title(run, column)}}
    return _figure(traces, layout)


def parallel(axes: Sequence[ParallelAxis], families: Sequence[Family], n: int) -> Any:
    """Parallel coordinates of ``n`` replicate means."""
    import plotly.graph_objects as go

    trace = go.Parcoords(
        dimensions=[axis_dimension(axis) for axis in axes],
        line={
            "cmin": 0,
            "cmax": len(families),
            "colorscale": colour_steps([style for _, style, _ in families]),
            "color": np.zeros(n),
        },
        unselected={"line": {"color": FAINT, "opacity": 0.3}},
        labelangle=-20 if len(axes) > 8 else 0,
    )
    margin = {"l": 72, "r": 48, "t": 72 if len(axes) > 8 else 48, "b": 24}
    return _figure([trace], base_layout(LIGHT) | {"height": 340, "margin": margin})


def _family_trace(means: pd.DataFrame, family: Family, hover: Sequence[str], x: str, y: str) -> Any:
    import plotly.graph_objects as go

    name, style, members = family
    front = means["on_family_front"].to_numpy(dtype=bool)[members]
    draw = go.Scattergl if len(means) > 5000 else go.Scatter
    return draw(
        x=means[x].to_numpy(dtype=float, na_value=np.nan)[members],
        y=means[y].to_numpy(dtype=float, na_value=np.nan)[members],
        mode="markers",
        name=plain(name),
        marker={
            "symbol": style.symbol,
            "color": style.colour(LIGHT),
            "size": np.where(front, 10, 7),
            "opacity": 0.85,
        },
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": 0.1}},
        hovertext=[hover[i] for i in members],
        hoverinfo="text",
    )


def _figure(traces: Sequence[Any], layout: dict[str, Any]) -> Any:
    import plotly.graph_objects as go

    return go.FigureWidget(data=traces, layout=layout | {"width": _WIDTH})
