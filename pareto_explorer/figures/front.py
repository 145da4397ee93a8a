"""The forget-versus-retain front as a Plotly figure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.figures.front_info import FamilyFront, FrontInfo, Values, front_info
from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.figures.shared.style import LIGHT, Theme, base_layout, fade, symbol_3d
from pareto_explorer.fronts import Box, Objective
from pareto_explorer.schema.metrics import BETTER, GOOD_CORNER, caption, label

__all__ = [
    "draw_front",
    "front_layout",
    "plot_front",
]


def front_layout(info: FrontInfo, theme: Theme) -> dict[str, Any]:
    """Axes with their ranges and titles, and a note on which corner is best."""
    layout = base_layout(theme) | {"height": 560, "hovermode": "closest"}
    flat = len(info.reference) == 2
    base = layout.pop("xaxis")
    layout.pop("yaxis")
    axes = {
        f"{letter}axis": base
        | {
            "title": {"text": _title(objective, info, theme), "standoff": 12},
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


def _title(objective: Objective, info: FrontInfo, theme: Theme) -> str:
    """Name, good end and meaning; on the y axis the arrow is turned with the text."""
    better = BETTER[objective.direction]
    if len(info.reference) != 2:  # in 3-D, neither styles nor which way an axis will point is known
        return f"{plain(label(objective.metric))}<br>{better}"
    better = f"← {better}" if objective.direction == "min" else f"{better} →"
    words = caption(objective.metric, info.tokens)
    small = (
        f"<br><span style='font-size:12px;color:{theme.muted}'>{plain(words)}</span>"
        if words
        else ""
    )
    return f"{plain(label(objective.metric))}, {better}{small}"


_LANDMARK_MARKERS = {
    "original": {"symbol": "x", "size": 9, "opacity": 0.9},
    "retrained": {"symbol": "star", "size": 13, "opacity": 0.9},
    "between": {"symbol": "star-open", "size": 9, "opacity": 0.75},
}
_LANDMARK_MARKERS_3D = {
    "original": {"symbol": "square-open", "size": 12},
    "retrained": {"symbol": "diamond", "size": 12},
    "between": {"symbol": "diamond-open", "size": 9},
}


def plot_front(
    points: pd.DataFrame,
    landmarks: pd.DataFrame,
    box: Box,
    *,
    theme: Theme = LIGHT,
    shown: Collection[str] | None = None,
) -> go.Figure:
    """Draws the front of each family, with the landmarks and the box.

    How to read it:

    - Each point is one checkpoint of one configuration, averaged over the replicates. The axis
      titles say which end is better; the corner that is good on both is named above the plot.
    - Strong points are on the front of their family, faded ones are dominated by it. The staircase
      is the front; the shaded area is what the family dominates inside the dotted box, up to the
      reference point: its share of the box is the hypervolume of the means. The grey line is the
      front of all families together.
    - The original and the retrained models are black or white, one for each training seed. Open
      stars show how far two retrained models are from each other: a gap of that size can be blamed
      on no method.
    - One click on a legend entry hides a family, a double click shows it alone.

    Do not read a small lead as a win: the spread over replicates is in the hover text, and the
    means of a few replicates move. Points outside the view are one double click away; they lie
    beyond the box and add nothing to any hypervolume.

    With three objectives the figure is three-dimensional, without areas and staircases.

    Args:
        points: Points table of one run.
        landmarks: Landmarks table of the same run.
        box: Objectives and bounds.
        theme: ``style.LIGHT`` or ``style.DARK``.
        shown: Families to show at first, all by default; the legend brings the others.
    """
    return draw_front(front_info(points, landmarks, box), theme=theme, shown=shown)


def draw_front(
    info: FrontInfo, *, theme: Theme = LIGHT, shown: Collection[str] | None = None
) -> go.Figure:
    """Turns the data of ``front_info`` into a figure; the options are those of ``plot_front``."""
    traces = [_box(info, theme)]
    if len(info.pooled_stairs):
        traces.append(_pooled(info, theme))
    for family in info.families:
        visible = True if shown is None or family.name in shown else "legendonly"
        traces += [trace.update(visible=visible) for trace in _family(family, info, theme)]
    traces += _landmarks(info, theme)
    return go.Figure(data=traces, layout=front_layout(info, theme))


def _family(family: FamilyFront, info: FrontInfo, theme: Theme) -> list[Any]:
    colour = family.style.colour(theme)
    line = {"color": colour, "dash": family.style.dash, "width": 2}
    group: dict[str, Any] = {"name": plain(family.name), "legendgroup": f"family {family.name}"}
    hidden: dict[str, Any] = group | {"showlegend": False}
    traces = []
    if len(family.stairs):
        traces += _stairs(family, info, theme, hidden)
    for role, chosen in (("dominated", ~family.on_front), ("front", family.on_front)):
        marker = {"symbol": family.style.symbol, "color": colour} | (
            {"size": 10, "line": {"width": 1, "color": theme.paper}}
            if role == "front"
            else {"size": 7, "opacity": 0.35}
        )
        index = np.flatnonzero(chosen)
        if len(index):
            traces.append(
                _trace(
                    family.values[index],
                    mode="markers",
                    marker=marker,
                    hovertext=[family.hover[i] for i in index],
                    hoverinfo="text",
                    customdata=[list(family.keys[i]) for i in index],
                    meta={"role": role},
                    **hidden,
                )
            )
    legend = _trace(
        np.full((1, len(info.reference)), np.nan),
        mode="lines+markers",
        line=line,
        marker={"symbol": family.style.symbol, "color": colour, "size": 9},
        hoverinfo="skip",
        meta={"role": "legend"},
        **group,
    )
    return [*traces, legend]


def _stairs(family: FamilyFront, info: FrontInfo, theme: Theme, group: dict[str, Any]) -> list[Any]:
    """The dominated area, the front itself, and faint arms from its ends to the box's edges."""
    colour = family.style.colour(theme)
    first, *inner, last = family.stairs
    arms = [first, inner[0], np.full(2, np.nan), inner[-1], last]
    line = {"color": colour, "dash": family.style.dash, "width": 2}
    parts: dict[str, tuple[Any, dict[str, Any]]] = {
        "area": (
            [*family.stairs, info.reference],
            {
                "line": {"width": 0, "color": colour},
                "fill": "toself",
                "fillcolor": fade(colour, min(0.1, 0.4 / len(info.families))),
            },
        ),
        "arms": (arms, {"line": line | {"color": fade(colour, 0.45), "width": 1}}),
        "stairs": (inner, {"line": line}),
    }
    return [
        _trace(
            np.array(path), mode="lines", hoverinfo="skip", meta={"role": role}, **style, **group
        )
        for role, (path, style) in parts.items()
    ]


def _landmarks(info: FrontInfo, theme: Theme) -> list[Any]:
    flat = len(info.reference) == 2
    markers = _LANDMARK_MARKERS if flat else _LANDMARK_MARKERS_3D
    return [
        _trace(
            cloud.values,
            mode="markers",
            marker=markers[cloud.kind] | {"color": theme.text},
            name=cloud.title,
            hovertext=cloud.hover,
            hoverinfo="text",
            legendgroup=f"landmark {cloud.kind}",
            meta={"role": "landmark"},
        )
        for cloud in info.landmarks
    ] + [
        _trace(
            np.atleast_2d(info.reference),
            mode="markers",
            marker={"symbol": "cross-thin", "size": 12, "line": {"width": 2, "color": theme.text}}
            if flat
            else {"symbol": "cross", "size": 9, "color": theme.text},
            name="Reference point of the box",
            hovertext=[_reference_hover(info)],
            hoverinfo="text",
            legendgroup="box",
            meta={"role": "reference"},
        )
    ]


def _reference_hover(info: FrontInfo) -> str:
    pairs = zip(info.box.objectives, info.reference, strict=True)
    return "<br>".join(
        ["<b>Reference point</b>", *(f"{plain(label(o.metric))} {v:.4g}" for o, v in pairs)]
    )


def _pooled(info: FrontInfo, theme: Theme) -> Any:
    return _trace(
        info.pooled_stairs,
        mode="lines",
        line={"color": fade(theme.muted, 0.35), "width": 7},
        name="Front of all families",
        hoverinfo="skip",
        legendgroup="pooled",
        meta={"role": "pooled"},
    )


def _box(info: FrontInfo, theme: Theme) -> Any:
    """The outline of the box: a rectangle, or the twelve edges of a cuboid."""
    ends = np.array([[o.ideal for o in info.box.objectives], list(info.reference)])
    m = ends.shape[1]
    if m == 2:
        path = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    else:
        corners = np.array(list(np.ndindex(2, 2, 2)))
        edges = [(a, b) for a in corners for b in corners if (b - a).sum() == 1 and (b >= a).all()]
        path = np.array([[*a, *b] for a, b in edges]).reshape(-1, 2, m)
    outline = ends[path, np.arange(m)]
    if m == 3:  # a gap after each edge
        outline = np.concatenate([outline, np.full((len(outline), 1, m), np.nan)], axis=1)
    return _trace(
        outline.reshape(-1, m),
        mode="lines",
        line={"color": theme.muted, "width": 1, "dash": "dot"},
        name="Box",
        hoverinfo="skip",
        showlegend=False,
        meta={"role": "box"},
    )


def _trace(values: Values, **style: Any) -> Any:
    """A scatter trace in as many dimensions as the values have columns."""
    if values.shape[1] == 2:
        return go.Scatter(x=values[:, 0], y=values[:, 1], cliponaxis=True, **style)
    marker = style.get("marker")
    if marker:
        symbol = symbol_3d(marker["symbol"])
        style["marker"] = marker | {"symbol": symbol, "size": 0.5 * marker["size"]}
    return go.Scatter3d(x=values[:, 0], y=values[:, 1], z=values[:, 2], **style)
