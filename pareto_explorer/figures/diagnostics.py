"""How the two gradients got along: cosine, weights, norms and hardness over steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.figures.shared.legend import with_legend
from pareto_explorer.figures.shared.panels import Panel, axis_names, panel_layout
from pareto_explorer.figures.shared.style import LIGHT, FamilyStyle, Theme, family_styles
from pareto_explorer.schema.metrics import number
from pareto_explorer.schema.statuses import OK

__all__ = [
    "DiagnosticsInfo",
    "FamilyDiagnostics",
    "diagnostics_info",
    "draw_diagnostics",
    "plot_diagnostics",
]

Values = npt.NDArray[np.float64]

_PANELS: Mapping[str, Panel] = {
    "cosine": Panel("Cosine of the gradients", "below 0 they oppose each other"),
    "weight_retain": Panel("Weight of the retain gradient"),
    "norm_retain": Panel("Norm of the retain gradient"),
    "hardness": Panel("Hardness κ", "minus their inner product: above 0 they oppose"),
    "weight_forget": Panel("Weight of the forget gradient"),
    "norm_forget": Panel("Norm of the forget gradient"),
}
_COLUMNS = 3
_ROW = 240  # pixels
_NEUTRAL = "#8a939c"  # readable on both papers: the page recolours no shapes
_LOG = ("weight_retain", "weight_forget", "norm_retain", "norm_forget")


class FamilyDiagnostics(NamedTuple):
    """One family's diagnostics over steps.

    Attributes:
        table: One row per step: ``step``, and for each quantity its mean over replicates under its
            own name, with the lowest and highest replicate under ``<name>.low`` and
            ``<name>.high``. A replicate's value is the mean over the family's trials at that step.
    """

    name: str
    style: FamilyStyle
    table: pd.DataFrame


class DiagnosticsInfo(NamedTuple):
    """What the figure shows: the quantities that were measured, and the families that have any."""

    quantities: tuple[str, ...]
    families: tuple[FamilyDiagnostics, ...]

    def frame(self) -> pd.DataFrame:
        """All families in one table."""
        tables = [family.table.assign(family=family.name) for family in self.families]
        if not tables:
            return pd.DataFrame(columns=["family", "step"])
        table = pd.concat(tables, ignore_index=True)
        return table[["family", *(name for name in table if name != "family")]]


def diagnostics_info(points: pd.DataFrame) -> DiagnosticsInfo:
    """Averages the diagnostics of each family over its trials, then over the replicates.

    Only rows that went well count. A later step averages over the trials that got that far.

    Args:
        points: Points table.
    """
    quantities = tuple(name for name in _PANELS if name in points.columns)
    rows = points.loc[points["status"] == OK, ["family", "replicate", "step", *quantities]]
    rows = rows.replace([np.inf, -np.inf], np.nan).dropna(subset=list(quantities), how="all")
    if rows.empty or not quantities:
        return DiagnosticsInfo((), ())
    columns = list(quantities)
    each = rows.groupby(["family", "replicate", "step"])[columns].mean()
    grouped = each.groupby(["family", "step"])
    table = pd.concat(
        [grouped.mean(), grouped.min().add_suffix(".low"), grouped.max().add_suffix(".high")],
        axis=1,
    )
    styles = family_styles(points)
    families = tuple(
        FamilyDiagnostics(name, style, table.loc[name].reset_index())
        for name, style in styles.items()
        if name in table.index
    )
    shown = tuple(name for name in quantities if table[name].notna().any())
    return DiagnosticsInfo(shown, families)


def plot_diagnostics(
    points: pd.DataFrame, *, theme: Theme = LIGHT, shown: Collection[str] | None = None
) -> go.Figure:
    """Draws cosine, hardness, weights and norms of the two gradients over steps, by family.

    How to read it:

    - A line is one family, averaged over its trials and replicates since the point before.
    - A cosine below 0 says that what makes the model forget undoes what it should keep; hardness
      says the same and how strongly.
    - A weight that falls to nothing says that the aggregator listens to one loss alone.
    - Norms tell whether a loss still has something to say; norms are logarithmic,
      and so are weights where all are positive.

    Families without two gradients have no line.

    Args:
        points: Points table of one run.
        theme: ``style.LIGHT`` or ``style.DARK``.
        shown: Families to show at first, all by default.
    """
    return with_legend(draw_diagnostics(diagnostics_info(points), theme=theme, shown=shown))


def draw_diagnostics(
    info: DiagnosticsInfo, *, theme: Theme = LIGHT, shown: Collection[str] | None = None
) -> go.Figure:
    """Turns the data of ``diagnostics_info`` into a figure."""
    panels = [
        _PANELS[name]._replace(log=_positive_ends(info, name) if name in _LOG else None)
        for name in info.quantities
    ]
    traces = [
        _line(family, name, index, theme, visible=shown is None or family.name in shown)
        for family in info.families
        for index, name in enumerate(info.quantities)
    ]
    layout = panel_layout(panels, theme, columns=_COLUMNS, x_title="step", row=_ROW)
    zero = [
        {
            "type": "line",
            "xref": f"{axis_names(index)['xaxis']} domain",
            "yref": axis_names(index)["yaxis"],
            "x0": 0,
            "x1": 1,
            "y0": 0,
            "y1": 0,
            "line": {"color": _NEUTRAL, "width": 1, "dash": "dot"},
            "layer": "below",
        }
        for index, name in enumerate(info.quantities)
        if name in ("cosine", "hardness")
    ]
    return go.Figure(data=traces, layout=layout | {"shapes": zero})


def _positive_ends(info: DiagnosticsInfo, name: str) -> tuple[float, float] | None:
    """The ends of a quantity that is positive everywhere."""
    values = np.concatenate([family.table[name].dropna() for family in info.families])
    return (float(values.min()), float(values.max())) if (values > 0).all() else None


def _line(
    family: FamilyDiagnostics, name: str, index: int, theme: Theme, *, visible: bool
) -> go.Scatter:
    table = family.table.dropna(subset=[name])
    colour = family.style.colour(theme)
    hover = [
        f"<b>{plain(family.name)}</b><br>{plain(_PANELS[name].title)} at step {step}: "
        f"{number(float(mean))}<br>replicates from {number(float(low))} to {number(float(high))}"
        for step, mean, low, high in table[["step", name, f"{name}.low", f"{name}.high"]].to_numpy(
            object
        )
    ]
    styling: dict[str, Any] = {
        "line": {"color": colour, "dash": family.style.dash, "width": 2},
        "marker": {"symbol": family.style.symbol, "color": colour, "size": 7},
    }
    return go.Scatter(
        x=table["step"].to_numpy(),
        y=table[name].to_numpy(float),
        mode="lines+markers",
        name=plain(family.name),
        hovertext=hover,
        hoverinfo="text",
        legendgroup=f"family {family.name}",
        visible=visible,
        meta={"role": name},
        **axis_names(index),
        **styling,
    )
