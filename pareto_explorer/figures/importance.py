"""Which knobs matter: permutation importance per target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.figures.shared.panels import Panel, axis_names, panel_layout
from pareto_explorer.figures.shared.style import LIGHT, PALETTE, Theme
from pareto_explorer.fronts import Box, ImportanceResult, knob_importance
from pareto_explorer.schema.metrics import label

__all__ = ["ImportanceInfo", "draw_importance", "importance_info", "plot_importance"]

_MOST = 10  # knobs; more are in the table


class ImportanceInfo(NamedTuple):
    """What the figure shows.

    Attributes:
        targets: What is explained, with the share of its variance that the knobs explain.
        knobs: The most important ones over all targets, most important first.
        table: ``target, knob, importance, std`` of these knobs.
        n_knobs: How many knobs there are.
    """

    targets: Mapping[str, float]
    knobs: tuple[str, ...]
    table: pd.DataFrame
    n_knobs: int


def importance_info(result: ImportanceResult) -> ImportanceInfo:
    """Picks the targets that the knobs explain and the knobs that do most of it."""
    table = result.table
    targets = {name: result.r2[name] for name in table["target"].unique()}
    largest = table.groupby("knob", sort=True)["importance"].max()
    ranked = largest.sort_values(ascending=False, kind="stable").index
    knobs = tuple(str(knob) for knob in ranked[:_MOST])
    return ImportanceInfo(targets, knobs, table[table["knob"].isin(knobs)], len(ranked))


def plot_importance(points: pd.DataFrame, box: Box, *, theme: Theme = LIGHT) -> go.Figure:
    """Draws how much each knob matters for each objective and for the hypervolume.

    How to read it:

    - A bar says by how much the explained share of the variance falls when the knob's values are
      shuffled among trials that have it and that the model has not seen; the whisker is the
      spread over shuffles.
    - Each panel says how much all knobs together explain: where that is little, no bar means much.
    - Knobs that go together share or hide their importance. It is no causal effect.

    Args:
        points: Points table of one run.
        box: The objectives.
        theme: ``style.LIGHT`` or ``style.DARK``.
    """
    return draw_importance(importance_info(knob_importance(points, box)), theme=theme)


def draw_importance(info: ImportanceInfo, *, theme: Theme = LIGHT) -> go.Figure:
    """Turns the data of ``importance_info`` into a figure."""
    panels = [
        Panel(label(target), f"the knobs explain {100 * explained:.0f} % of its variance")
        for target, explained in info.targets.items()
    ]
    traces = [_bars(info, target, i, theme) for i, target in enumerate(info.targets)]
    row = 90 + 26 * len(info.knobs)
    columns = max(len(panels), 1)
    layout = panel_layout(panels, theme, columns=columns, x_title="importance", row=row)
    for index in range(len(panels)):
        axis = f"yaxis{axis_names(index)['yaxis'][1:]}"
        layout[axis].pop("nticks")
        layout[axis] |= {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [plain(knob) for knob in reversed(info.knobs)],
            "showgrid": False,
            "showticklabels": index == 0,
            "ticks": "",
        }
        layout["meta"]["narrow"][f"{axis}.showticklabels"] = True
    return go.Figure(data=traces, layout=layout)


def _bars(info: ImportanceInfo, target: str, index: int, theme: Theme) -> go.Bar:
    table = info.table[info.table["target"] == target].set_index("knob").reindex(list(info.knobs))
    colour = PALETTE[0][theme.name == "dark"]
    style: dict[str, Any] = {
        "marker": {"color": colour, "line": {"width": 0}},
        "error_x": {"color": theme.muted, "thickness": 1, "width": 0},
    }
    style["error_x"] |= {"type": "data", "array": table["std"].to_numpy(float)}
    return go.Bar(
        x=table["importance"].to_numpy(float),
        y=[plain(knob) for knob in info.knobs],
        orientation="h",
        width=0.55,
        hovertemplate=(
            f"<b>%{{y}}</b><br>{plain(label(target))}: %{{x:.3f}} ± %{{error_x.array:.3f}}"
            "<extra></extra>"
        ),
        meta={"role": "importance", "target": target},
        **style,
        **axis_names(index),
    )
