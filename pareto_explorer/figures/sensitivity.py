"""How the ranking of families reacts to the reference point."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.figures.shared.style import (
    LIGHT,
    FamilyStyle,
    Theme,
    base_layout,
    family_styles,
)
from pareto_explorer.fronts import Box, reference_sensitivity

__all__ = [
    "FamilyRanks",
    "SensitivityInfo",
    "draw_sensitivity",
    "plot_sensitivity",
    "sensitivity_info",
]


class FamilyRanks(NamedTuple):
    """One family's share of the box and rank, one for each reference point."""

    name: str
    style: FamilyStyle
    hypervolumes: tuple[float, ...]
    ranks: tuple[int, ...]


class SensitivityInfo(NamedTuple):
    """What the figure shows: families by their rank at the first reference point."""

    references: tuple[float, ...]
    families: tuple[FamilyRanks, ...]


def sensitivity_info(points: pd.DataFrame, box: Box) -> SensitivityInfo:
    """Computes what ``plot_sensitivity`` draws.

    Args:
        points: Points table.
        box: The objectives; its own reference point is not used.
    """
    table, styles = reference_sensitivity(points, box), family_styles(points)
    families = [
        FamilyRanks(
            str(name),
            styles[str(name)],
            tuple(rows["hypervolume"].astype(float)),
            tuple(rows["rank"].astype(int)),
        )
        for name, rows in table.sort_values("reference").groupby("family")
    ]
    return SensitivityInfo(
        references=tuple(float(value) for value in sorted(table["reference"].unique())),
        families=tuple(sorted(families, key=lambda family: (family.ranks, family.name))),
    )


def plot_sensitivity(
    points: pd.DataFrame, box: Box, *, theme: Theme = LIGHT, shown: Collection[str] | None = None
) -> go.Figure:
    """Draws the rank of each family by hypervolume against the reference point.

    How to read it: lines that cross are families whose order depends on where the box ends, which
    is a choice and no result; a large box favours the ends of a front.

    Args:
        points: Points table of one run.
        box: The objectives.
        theme: ``style.LIGHT`` or ``style.DARK``.
        shown: Families to draw, all by default.
    """
    return draw_sensitivity(sensitivity_info(points, box), theme=theme, shown=shown)


def draw_sensitivity(
    info: SensitivityInfo, *, theme: Theme = LIGHT, shown: Collection[str] | None = None
) -> go.Figure:
    """Turns the data of ``sensitivity_info`` into a figure."""
    positions = list(range(len(info.references)))
    traces = [
        go.Scatter(
            x=positions,
            y=list(family.ranks),
            mode="lines+markers",
            line={"color": family.style.colour(theme), "dash": family.style.dash, "width": 2},
            marker={
                "symbol": family.style.symbol,
                "size": 9,
                "color": family.style.colour(theme),
            },
            name=plain(family.name),
            customdata=list(family.hypervolumes),
            hovertemplate=(
                f"<b>{plain(family.name)}</b><br>rank %{{y}}, hypervolume %{{customdata:.3f}} of "
                "the larger box<extra></extra>"
            ),
            legendgroup=f"family {family.name}",
            meta={"role": "ranks"},
        )
        for family in info.families
        if shown is None or family.name in shown
    ]
    layout = base_layout(theme) | {"height": 120 + 26 * len(traces), "hovermode": "closest"}
    layout["xaxis"] |= {
        "title": {"text": "reference point in each objective (the nadir is 1)", "standoff": 8},
        "tickvals": positions,
        "ticktext": [f"{reference:g}" for reference in info.references],
    }
    layout["yaxis"] |= {
        "title": {"text": "rank", "standoff": 8},
        "autorange": "reversed",
        "tickformat": "d",
        "nticks": 8,
    }
    return go.Figure(data=traces, layout=layout)
