"""The plane of two objectives without families: axes, box and landmarks, for other figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.errors import InputError
from pareto_explorer.figures.front import draw_front
from pareto_explorer.figures.front_info import FrontInfo, front_info
from pareto_explorer.figures.shared.style import Theme
from pareto_explorer.fronts import Box

__all__ = ["NEAR", "WHOLE", "draw_in_frame", "frame_info", "require_two"]

Values = npt.NDArray[np.float64]
NEAR, WHOLE = "near the front", "the whole box"
_PADDING = 0.06
_NEAR_PADDING = 0.08


def require_two(box: Box, figure: str) -> None:
    """Refuses a box with more than two objectives.

    Raises:
        InputError: There are three; the message names them.
    """
    if len(box.objectives) != 2:
        raise InputError(
            f"objectives: {', '.join(box.metrics)} are {len(box.objectives)}; {figure} is drawn "
            "for two, so give a box of two."
        )


def frame_info(
    points: pd.DataFrame, landmarks: pd.DataFrame, box: Box, shown: Iterable[Values] = ()
) -> FrontInfo:
    """The data of a front figure that has no families.

    Args:
        points: Points table; only its columns matter.
        landmarks: Landmarks table.
        box: Two objectives with their bounds.
        shown: Points in metric units that the view must hold, where they are inside the box.
    """
    info = front_info(points.iloc[:0], landmarks, box)
    values = [value for value in shown if len(value)]
    if not values:
        return info
    points_shown = np.concatenate(values)
    inside = points_shown[(box.normalise(points_shown) <= box.reference).all(axis=1)]
    view = []
    for (low, high), column in zip(info.view, inside.T, strict=True):
        a, b = min(low, column.min(initial=low)), max(high, column.max(initial=high))
        view.append((a - _PADDING * (b - a) * (a < low), b + _PADDING * (b - a) * (b > high)))
    return info._replace(view=tuple((float(a), float(b)) for a, b in view))


def draw_in_frame(
    frame: FrontInfo, traces: Sequence[Any], theme: Theme, near: Iterable[Values] = ()
) -> go.Figure:
    """Draws traces between the outline of the box and the landmarks.

    Args:
        frame: Axes, box and landmarks.
        traces: What to draw.
        theme: The theme.
        near: Points that the first view must show, besides the ideal and the retrained models;
            ``layout.meta["views"]`` holds this view and that of the whole box.
    """
    empty = draw_front(frame, theme=theme)
    views = {NEAR: _ranges(_near(frame, near)), WHOLE: _ranges(frame.view)}
    layout = empty.layout.update(showlegend=False, height=520, meta={"views": views})
    for axis, (low, high) in zip((layout.xaxis, layout.yaxis), _near(frame, near), strict=True):
        axis.range = [low, high]
    return go.Figure(data=[empty.data[0], *traces, *empty.data[1:]], layout=layout)


def _near(frame: FrontInfo, shown: Iterable[Values]) -> tuple[tuple[float, float], ...]:
    """The ends of axes that hold the ideal, the retrained models and what is shown."""
    clouds = [cloud.values for cloud in frame.landmarks if cloud.kind != "original"]
    ideal = np.array([[objective.ideal for objective in frame.box.objectives]])
    chosen = [value for value in shown if len(value)]
    if not chosen:
        return frame.view
    held = np.concatenate([ideal, *clouds, *chosen])
    low, high = held.min(axis=0), held.max(axis=0)
    room = _NEAR_PADDING * np.where(high > low, high - low, 1.0)
    return tuple(
        (max(a, start), min(b, end))
        for a, b, (start, end) in zip(
            (low - room).tolist(), (high + room).tolist(), frame.view, strict=True
        )
    )


def _ranges(view: Sequence[tuple[float, float]]) -> dict[str, list[float]]:
    return {f"{letter}axis.range": list(ends) for letter, ends in zip("xy", view, strict=True)}
