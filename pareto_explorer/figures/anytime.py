"""Hypervolume against what was spent on it: trials, seconds or samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.figures.hover import plain
from pareto_explorer.figures.legend import with_legend
from pareto_explorer.figures.style import LIGHT, FamilyStyle, Theme, base_layout, family_styles
from pareto_explorer.fronts import Box
from pareto_explorer.fronts.anytime import anytime_curves, common_grid

__all__ = ["AnytimeInfo", "FamilyCurve", "anytime_info", "draw_anytime", "plot_anytime"]

AXIS_TITLES: Mapping[str, str] = {
    "trials": "trials of the family",
    "seconds": "seconds of compute, one replicate",
    "samples": "samples processed, one replicate",
}
_FEW_TRIALS = 10
_STEPS = 60  # what a line of this width can show


class FamilyCurve(NamedTuple):
    """One family's step curves.

    Attributes:
        steps: By axis, ``x, mean, low, high``: the mean over replicates, the lowest and the highest
            one. Steps too small to be seen are merged into the next.
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


def anytime_info(points: pd.DataFrame, box: Box) -> AnytimeInfo:
    """Computes what ``plot_anytime`` draws.

    Args:
        points: Points table.
        box: The objectives.
    """
    axes = tuple(a for a in AXIS_TITLES if a == "trials" or (points[a].fillna(0) > 0).any())
    grids = {
        axis: dict(tuple(common_grid(anytime_curves(points, box, axis)).groupby("family")))  # type: ignore[arg-type]
        for axis in axes
    }
    families = tuple(
        FamilyCurve(name, style, {axis: _thin(grids[axis][name]) for axis in axes})
        for name, style in family_styles(points).items()
        if all(name in grid for grid in grids.values())
    )
    return AnytimeInfo(axes, families)


def plot_anytime(
    points: pd.DataFrame,
    box: Box,
    *,
    axis: str = "trials",
    theme: Theme = LIGHT,
    shown: Collection[str] | None = None,
) -> go.Figure:
    """Draws how the hypervolume of each family grew with what was spent.

    How to read it:

    - Each line is the mean over replicates; it steps up where a checkpoint adds to the front.
    - A line that is still rising has not been searched to its end, and comparing it with a flat one
      compares budgets rather than methods.
    - Trials count configurations; seconds and samples say what they cost, which differs between
      methods.

    Args:
        points: Points table of one run.
        box: The objectives.
        axis: ``trials``, ``seconds`` or ``samples``.
        theme: ``style.LIGHT`` or ``style.DARK``.
        shown: Families to show at first, all by default.
    """
    figure = draw_anytime(anytime_info(points, box), axis=axis, theme=theme, shown=shown)
    return with_legend(figure)


def draw_anytime(
    info: AnytimeInfo,
    *,
    axis: str = "trials",
    theme: Theme = LIGHT,
    shown: Collection[str] | None = None,
) -> go.Figure:
    """Turns the data of ``anytime_info`` into a figure.

    ``meta["views"]`` of the layout and of each trace holds what another axis changes.
    """
    traces = [
        trace.update(visible=shown is None or family.name in shown)
        for family in info.families
        for trace in _traces(family, axis, info.axes, theme)
    ]
    layout = base_layout(theme) | {"height": 440, "hovermode": "closest", "showlegend": False}
    layout["xaxis"] |= {
        "title": {"text": AXIS_TITLES[axis], "standoff": 12},
        "rangemode": "tozero",
    }
    layout["yaxis"] |= {"title": {"text": "Hypervolume", "standoff": 12}, "rangemode": "tozero"}
    views = {
        name: {
            "xaxis.title.text": AXIS_TITLES[name],
            "xaxis.dtick": _whole(info) if name == "trials" else None,
            "xaxis.autorange": True,
        }
        for name in info.axes
    }
    layout["xaxis"]["dtick"] = views[axis]["xaxis.dtick"]
    return go.Figure(data=traces, layout=layout | {"meta": {"views": views}})


def _whole(info: AnytimeInfo) -> int | None:
    """The distance of ticks at whole trials, where Plotly would put some between them."""
    most = max((family.steps["trials"]["x"].max() for family in info.families), default=0)
    return 1 if most <= _FEW_TRIALS else None


def _traces(
    family: FamilyCurve, axis: str, axes: Collection[str], theme: Theme
) -> tuple[go.Scatter, go.Scatter]:
    """The curve, and the family's symbol where it ends."""
    views = {name: _data(family.steps[name]) for name in axes}
    ends = {
        name: {key: values[-1:] for key, values in view.items()} for name, view in views.items()
    }
    colour = family.style.colour(theme)
    shared: dict[str, Any] = {
        "name": plain(family.name),
        "hovertemplate": (
            f"<b>{plain(family.name)}</b><br>hypervolume %{{y:.3f}}"
            "<br>replicates from %{customdata[0]:.3f} to %{customdata[1]:.3f}"
            "<br>%{x:,.4~g} spent<extra></extra>"
        ),
        "legendgroup": f"family {family.name}",
    }
    curve = go.Scatter(
        **views[axis],
        mode="lines",
        line={"color": colour, "dash": family.style.dash, "width": 2, "shape": "hv"},
        meta={"role": "curve", "views": views},
        **shared,
    )
    end = go.Scatter(
        **ends[axis],
        mode="markers",
        marker={"color": colour, "symbol": family.style.symbol, "size": 9},
        meta={"role": "end", "views": ends},
        **shared,
    )
    return curve, end


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
    return grid.loc[keep, ["x", "mean", "low", "high"]].reset_index(drop=True)
