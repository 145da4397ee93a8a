"""Small multiples: several panels in one figure, in a grid or, on a narrow page, in one column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.figures.shared.style import Theme, base_layout

__all__ = ["Panel", "axis_names", "panel_layout"]

_GAP_X, _GAP_Y = 0.16, 0.32  # free space between panels, as a share of a panel with its space

_MARGIN = 60  # pixels above and below all panels
_FEW_DECADES = 1.7


class Panel(NamedTuple):
    """One panel: its title, what it shows in a few words, and the ends of a logarithmic y axis."""

    title: str
    note: str = ""
    log: tuple[float, float] | None = None


def axis_names(index: int) -> dict[str, str]:
    """The axes of panel ``index`` as a trace names them: ``{"xaxis": "x2", "yaxis": "y2"}``."""
    number = "" if index == 0 else str(index + 1)
    return {"xaxis": f"x{number}", "yaxis": f"y{number}"}


def panel_layout(
    panels: Sequence[Panel], theme: Theme, *, columns: int, x_title: str, row: int
) -> dict[str, Any]:
    """Axes and titles of a grid of panels, filled row by row.

    ``layout.meta["narrow"]`` holds the change of layout that puts all panels into one column, for
    a page that is too narrow for the grid, and ``narrow_height`` the height that this takes.

    Args:
        panels: The panels.
        theme: The theme.
        columns: Panels beside each other.
        x_title: Title of the x axes.
        row: Height of a panel with its title, in pixels.
    """
    height = _MARGIN + row * -(-len(panels) // columns)
    layout = base_layout(theme) | {"height": height, "hovermode": "closest", "showlegend": False}
    x_base, y_base = layout.pop("xaxis"), layout.pop("yaxis")
    grid, column = _slots(len(panels), columns), _slots(len(panels), 1)
    narrow: dict[str, Any] = {}
    annotations = []
    for index, (panel, (x, y), (thin_x, thin_y)) in enumerate(
        zip(panels, grid, column, strict=True)
    ):
        names = axis_names(index)
        last = index + columns >= len(panels)
        horizontal, vertical = (f"{name[0]}axis{name[1:]}" for name in names.values())
        layout[horizontal] = x_base | {
            "domain": x,
            "anchor": names["yaxis"],
            "title": {"text": x_title if last else "", "standoff": 8, "font": {"size": 12}},
        }
        layout[vertical] = y_base | {
            "domain": y,
            "anchor": names["xaxis"],
            "nticks": 5,
            **(_log_axis(*panel.log) if panel.log else {}),
        }
        narrow |= {f"{horizontal}.domain": thin_x, f"{vertical}.domain": thin_y}
        narrow[f"{horizontal}.title.text"] = x_title if index == len(panels) - 1 else ""
        narrow |= {f"annotations[{index}].x": thin_x[0], f"annotations[{index}].y": thin_y[1]}
        annotations.append(_title(panel, x[0], y[1], theme))
    meta = {"narrow": narrow, "narrow_height": _MARGIN + row * len(panels)}
    margin = {"l": 48, "r": 12, "t": 44, "b": 48}
    return layout | {"annotations": annotations, "margin": margin, "meta": meta}


def _title(panel: Panel, x: float, y: float, theme: Theme) -> dict[str, Any]:
    note = (
        f"<br><span style='font-size:12px;color:{theme.muted}'>{plain(panel.note)}</span>"
        if panel.note
        else ""
    )
    return {
        "text": f"{plain(panel.title)}{note}",
        "x": x,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "align": "left",
        "yshift": 6,
        "showarrow": False,
        "font": {"size": 13, "color": theme.text},
    }


def _log_axis(low: float, high: float) -> dict[str, Any]:
    """A logarithmic axis with ticks at decades, or at 1, 2 and 5 where these would be few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    few = math.log10(high / low) < _FEW_DECADES
    ticks = [m * 10.0**d for d in decades for m in ((1, 2, 5) if few else (1,))]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _slots(count: int, columns: int) -> list[tuple[list[float], list[float]]]:
    """The (x, y) domains of the panels, row by row from the top."""
    rows = -(-count // columns)
    width, height = 1 / (columns - _GAP_X), 1 / (rows - _GAP_Y)  # from one panel to the next
    slots = []
    for index in range(count):
        row, column = divmod(index, columns)
        left, top = column * width, 1 - row * height
        right, bottom = left + width * (1 - _GAP_X), top - height * (1 - _GAP_Y)
        slots.append(([left, min(right, 1.0)], [max(bottom, 0.0), max(top, 0.0)]))
    return slots
