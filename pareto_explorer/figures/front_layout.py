"""Axes and titles of the front figure."""

from __future__ import annotations

from typing import Any

from pareto_explorer.figures.front_info import FrontInfo
from pareto_explorer.figures.hover import plain
from pareto_explorer.figures.style import Theme, base_layout
from pareto_explorer.figures.words import GOOD_CORNER, explanation, label
from pareto_explorer.fronts import Objective

__all__ = ["front_layout"]


def front_layout(info: FrontInfo, theme: Theme) -> dict[str, Any]:
    """Axes with their ranges and titles, and a note on which corner is best."""
    layout = base_layout(theme) | {"height": 560, "hovermode": "closest"}
    flat = len(info.reference) == 2
    base = layout.pop("xaxis")
    layout.pop("yaxis")
    axes = {
        f"{letter}axis": base
        | {
            "title": {"text": _title(objective, theme, flat=flat), "standoff": 12},
            "range": list(ends),
        }
        for letter, objective, ends in zip("xyz", info.box.objectives, info.view, strict=False)
    }
    if not flat:
        for axis in axes.values():
            axis.pop("automargin")
            axis["title"].pop("standoff")
            axis["title"]["font"] = {"size": 12}
            axis["backgroundcolor"] = theme.paper
        eye = {"x": 1.7, "y": 1.7, "z": 0.9}
        scene = axes | {"camera": {"eye": eye}}
        return layout | {"scene": scene, "margin": {"l": 0, "r": 0, "t": 0, "b": 0}}
    first, second, *_ = (objective.direction for objective in info.box.objectives)
    corner = {
        "text": f"the {GOOD_CORNER[first, second]} corner is best",
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 12, "color": theme.muted},
    }
    return layout | axes | {"annotations": [corner]}


def _title(objective: Objective, theme: Theme, *, flat: bool) -> str:
    """Name, good end and meaning; on the y axis the arrow is turned with the text."""
    if not flat:  # labels in 3-D know neither styles nor which way an axis will point
        better = "lower is better" if objective.direction == "min" else "higher is better"
        return f"{plain(label(objective.metric))}<br>{better}"
    better = "← lower is better" if objective.direction == "min" else "higher is better →"
    words = explanation(objective.metric)
    small = (
        f"<br><span style='font-size:11px;color:{theme.muted}'>{plain(words)}</span>"
        if words
        else ""
    )
    return f"{plain(label(objective.metric))}, {better}{small}"
