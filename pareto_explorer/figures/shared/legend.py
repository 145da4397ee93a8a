"""A legend for figures that stand alone; a report has one of its own beside each figure."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

__all__ = ["with_legend"]

_ROW = 22  # pixels of one row of the legend
_AXIS = 86  # pixels between the plot and the legend, for ticks and titles


def with_legend(figure: go.Figure) -> go.Figure:
    """Puts a legend below a figure: one entry for each group of traces, two in a row.

    One click hides a group, a double click shows it alone.

    Args:
        figure: Its named traces carry a ``legendgroup`` each; it is changed.

    Returns:
        The figure.
    """
    entries: dict[str, Any] = {}
    for trace in figure.data:
        trace.showlegend = False
        group = trace.legendgroup
        if group and (group not in entries or not _has_line(entries[group])):
            entries[group] = trace
    for trace in entries.values():
        trace.showlegend = True
    below = _ROW * -(-len(entries) // 2)
    margin = figure.layout.margin
    plot = figure.layout.height - margin.t - margin.b
    return figure.update_layout(
        showlegend=True,
        height=figure.layout.height + below + _AXIS - margin.b,
        margin_b=below + _AXIS,
        legend={
            "orientation": "h",
            "x": 0,
            "y": -_AXIS / plot,
            "yanchor": "top",
            "entrywidth": 0.48,
            "entrywidthmode": "fraction",
        },
    )


def _has_line(trace: Any) -> bool:
    return "lines" in (trace.mode or "") and (trace.line.width or 0) > 0
