"""Hypervolume against what it took: configurations, trials, seconds or samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.errors import unknown
from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.figures.shared.legend import with_legend
from pareto_explorer.figures.shared.style import (
    LIGHT,
    FamilyStyle,
    Theme,
    base_layout,
    fade,
    family_styles,
)
from pareto_explorer.fronts import Box, anytime_curves, common_grid, expected_hypervolume

__all__ = ["AnytimeInfo", "FamilyCurve", "anytime_info", "draw_anytime", "plot_anytime"]

AXIS_TITLES: Mapping[str, str] = {
    "configurations": "configurations of the family, any so many of them",
    "trials": "trials of the family, one after another",
    "seconds": "seconds of compute, one replicate",
    "samples": "samples processed, one replicate",
}
_COUNTED = ("configurations", "trials")
_FEW = 10
_COLUMNS = ["x", "mean", "low", "high"]
_STEPS = 60  # what a line of this width can show


class FamilyCurve(NamedTuple):
    """One family's curves.

    Attributes:
        steps: By axis, ``x, mean, low, high``. Against configurations, the mean and the 10 and 90 %
            quantiles over subsets, averaged over replicates. Else steps: the mean over replicates,
            the lowest and the highest one; those too small to be seen are merged into the next.
    """

    name: str
    style: FamilyStyle
    steps: Mapping[str, pd.DataFrame]


class AnytimeInfo(NamedTuple):
    """What the figure shows: the axes that the run has a measure for, and the families."""

    axes: tuple[str, ...]
    families: tuple[FamilyCurve, ...]

    def table(self) -> pd.DataFrame:
        """All curves: ``axis, family, x, mean, low, high``."""
        parts = [
            family.steps[axis].assign(axis=axis, family=family.name)
            for axis in self.axes
            for family in self.families
        ]
        columns = ["axis", "family", "x", "mean", "low", "high"]
        return (
            pd.concat(parts, ignore_index=True)[columns]
            if parts
            else pd.DataFrame([], columns=columns)
        )


def anytime_info(
    points: pd.DataFrame,
    box: Box,
    axes: Sequence[str] = ("configurations", "seconds", "samples"),
) -> AnytimeInfo:
    """Computes what ``plot_anytime`` draws.

    Args:
        points: Points table.
        box: The objectives.
        axes: Some of ``AXIS_TITLES``; seconds and samples are left out where none are recorded.

    Raises:
        InputError: An unknown axis.
    """
    for axis in axes:
        if axis not in AXIS_TITLES:
            raise unknown("axis", axis, AXIS_TITLES)
    kept = tuple(axis for axis in axes if axis in _COUNTED or (points[axis].fillna(0) > 0).any())
    grids = {axis: dict(tuple(_curves(points, box, axis).groupby("family"))) for axis in kept}
    families = tuple(
        FamilyCurve(name, style, {axis: grids[axis][name][_COLUMNS] for axis in kept})
        for name, style in family_styles(points).items()
        if all(name in grid for grid in grids.values())
    )
    return AnytimeInfo(kept, families)


def plot_anytime(
    points: pd.DataFrame,
    box: Box,
    *,
    axis: str = "configurations",
    theme: Theme = LIGHT,
    shown: Collection[str] | None = None,
) -> go.Figure:
    """Draws the hypervolume of each family against what it took.

    How to read it:

    - Against configurations, a line is what any k of them can be expected to reach, and the band
      what 10 to 90 % of such subsets reach, both averaged over replicates: how much a small sweep
      owes to luck.
    - Against trials, seconds and samples, a line is the mean over replicates of what the trials
      reached one after another; it steps up where a checkpoint adds to the front.
    - A line that is still rising has not been searched to its end, and comparing it with a flat one
      compares budgets rather than methods.

    Args:
        points: Points table of one run.
        box: The objectives.
        axis: ``configurations``, ``trials`` (for a search, whose order matters), ``seconds`` or
            ``samples``.
        theme: ``style.LIGHT`` or ``style.DARK``.
        shown: Families to show at first, all by default.

    Raises:
        InputError: An unknown axis.
    """
    figure = draw_anytime(anytime_info(points, box, (axis,)), axis=axis, theme=theme, shown=shown)
    return with_legend(figure)


def draw_anytime(
    info: AnytimeInfo,
    *,
    axis: str = "",
    theme: Theme = LIGHT,
    shown: Collection[str] | None = None,
) -> go.Figure:
    """Turns the data of ``anytime_info`` into a figure, against its first axis unless told.

    ``meta["views"]`` of the layout and of each trace holds what another axis changes.
    """
    axis = axis or info.axes[0]
    traces = [
        trace.update(visible=shown is None or family.name in shown)
        for family in info.families
        for trace in _traces(family, axis, info.axes, theme)
    ]
    traces.sort(key=lambda trace: trace.meta["role"] != "band")  # no band hides a line
    layout = base_layout(theme) | {"height": 440, "hovermode": "closest", "showlegend": False}
    layout["xaxis"] |= {
        "title": {"text": AXIS_TITLES[axis], "standoff": 12},
        "rangemode": "tozero",
    }
    layout["yaxis"] |= {"title": {"text": "Hypervolume", "standoff": 12}, "rangemode": "tozero"}
    views = {
        name: {
            "xaxis.title.text": AXIS_TITLES[name],
            "xaxis.dtick": _whole(info, name),
            "xaxis.autorange": True,
        }
        for name in info.axes
    }
    layout["xaxis"]["dtick"] = views[axis]["xaxis.dtick"]
    return go.Figure(data=traces, layout=layout | {"meta": {"views": views}})


def _whole(info: AnytimeInfo, axis: str) -> int | None:
    """The distance of ticks at whole numbers, where Plotly would put some between them."""
    most = max((family.steps[axis]["x"].max() for family in info.families), default=0)
    return 1 if axis in _COUNTED and most <= _FEW else None


def _curves(points: pd.DataFrame, box: Box, axis: str) -> pd.DataFrame:
    """One row per family and place: ``family, x, mean, low, high``."""
    if axis != "configurations":
        grid = common_grid(anytime_curves(points, box, axis))  # type: ignore[arg-type]
        return grid.groupby("family", group_keys=False)[list(grid)].apply(_thin)
    found = expected_hypervolume(points, box).rename(columns={"configurations": "x"})
    return found.groupby(["family", "x"], as_index=False)[["mean", "low", "high"]].mean()


def _traces(
    family: FamilyCurve, axis: str, axes: Collection[str], theme: Theme
) -> tuple[go.Scatter, go.Scatter, go.Scatter]:
    """The band, the curve, and the family's symbol where it ends."""
    views = {name: _data(family.steps[name]) for name in axes}
    ends = {
        name: {key: values[-1:] for key, values in view.items()} for name, view in views.items()
    }
    bands = {name: _band(family.steps[name], name) for name in axes}
    shapes = {name: "linear" if name == "configurations" else "hv" for name in axes}
    curves = {name: view | {"line.shape": shapes[name]} for name, view in views.items()}
    colour = family.style.colour(theme)
    shared: dict[str, Any] = {
        "name": plain(family.name),
        "legendgroup": f"family {family.name}",
    }
    hover = {
        "hovertemplate": (
            f"<b>{plain(family.name)}</b><br>hypervolume %{{y:.3f}}"
            "<br>from %{customdata[0]:.3f} to %{customdata[1]:.3f}"
            "<br>%{x:,.4~g} %{xaxis.title.text}<extra></extra>"
        )
    }
    band = go.Scatter(
        **bands[axis],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=fade(colour, 0.09),
        hoverinfo="skip",
        meta={"role": "band", "views": bands},
        **shared,
    )
    curve = go.Scatter(
        **views[axis],
        mode="lines",
        line={"color": colour, "dash": family.style.dash, "width": 2, "shape": shapes[axis]},
        meta={"role": "curve", "views": curves},
        **shared,
        **hover,
    )
    end = go.Scatter(
        **ends[axis],
        mode="markers",
        marker={"color": colour, "symbol": family.style.symbol, "size": 9},
        meta={"role": "end", "views": ends},
        **shared,
        **hover,
    )
    return band, curve, end


def _band(steps: pd.DataFrame, axis: str) -> dict[str, list[float]]:
    """The outline from the lower to the upper bound; none where the bounds are steps."""
    if axis != "configurations":
        return {"x": [], "y": []}
    outline = pd.concat([steps[["x", "low"]], steps[["x", "high"]].iloc[::-1]])
    return {
        "x": [_short(x) for x in outline["x"]],
        "y": [_short(y) for y in outline["low"].fillna(outline["high"])],
    }


def _data(steps: pd.DataFrame) -> dict[str, list[Any]]:
    """Plain lists: what Plotly would pack into binary, a page could not switch."""
    return {
        "x": [_short(x) for x in steps["x"]],
        "y": [_short(y) for y in steps["mean"]],
        "customdata": [[_short(a), _short(b)] for a, b in steps[["low", "high"]].to_numpy()],
    }


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def _thin(grid: pd.DataFrame) -> pd.DataFrame:
    """Keeps both ends and the rows at which the mean has risen by what can be seen."""
    mean = grid["mean"].to_numpy(float)
    level = np.floor(_STEPS * mean / max(mean.max(initial=0.0), 1e-12))
    keep = np.diff(level, prepend=-1.0) > 0
    keep[:1] = keep[-1:] = True
    return grid.loc[keep]
