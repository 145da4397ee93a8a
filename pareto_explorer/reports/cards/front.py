"""The front: every family's points, what they dominate, and the landmarks."""

from __future__ import annotations

import plotly.graph_objects as go

from pareto_explorer.figures import draw_front
from pareto_explorer.reports.shared.legend import crowd_note, legend_entries, shown_families
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.schema.columns import shown_columns
from pareto_explorer.schema.metrics import GOOD_CORNER, inline
from pareto_explorer.text import count, listing

__all__ = ["front_card"]

_TITLE = "The front"

_HOW_TO_READ = (
    "A point is one checkpoint of one configuration, averaged over the replicates; faded points "
    "are dominated within their family. The staircase is a family's front, and the area behind it "
    "is what it dominates inside the dotted box, up to the reference point. Point at a mark to see "
    "its configuration, seeds and metrics."
)
_HOW_TO_READ_3D = (
    "A point is one checkpoint of one configuration, averaged over the replicates; faded points "
    "are dominated within their family. The dotted frame is the box and the plus its reference "
    "point. Drag to turn the figure; point at a mark to see its configuration, seeds and metrics."
)
_LANDMARKS = {
    "original": "The original model is there once for each training seed.",
    "retrained": "So is the retrained one.",
    "between": (
        "Open marks show how far two retrained models are from each other: gaps of that size "
        "cannot be blamed on a method."
    ),
}


@guarded("front", _TITLE)
def front_card(material: Material) -> Card:
    """The front figure with its legend."""
    info = material.info
    names = listing([inline(metric) for metric in info.box.metrics])
    flat = len(info.reference) == 2
    first, second, *_ = (objective.direction for objective in info.box.objectives)
    corner = f"The {GOOD_CORNER[first, second]} corner is best."
    good = corner if flat else "Each axis says which end is better."
    shown = shown_families(material)
    help_texts = [_HOW_TO_READ if flat else _HOW_TO_READ_3D]
    help_texts += [_LANDMARKS[cloud.kind] for cloud in info.landmarks if cloud.kind in _LANDMARKS]
    hidden = (
        f"{count(info.n_hidden, 'dominated point')} that lie on top of others are not drawn."
        if info.n_hidden
        else ""
    )
    help_texts = [crowd_note(shown, material), *help_texts, hidden]
    return Card(
        "front",
        _TITLE,
        f"{names[:1].upper()}{names[1:]} of every checkpoint, by family. {good}",
        how_to_read=" ".join(filter(None, help_texts)),
        data=shown_columns(material.front),
        draw=lambda theme: _for_page(draw_front(info, theme=theme, shown=shown)),
        context={
            "legend": legend_entries(material, flat=flat),
            "landmarks": [(cloud.kind, cloud.title) for cloud in info.landmarks],
            "flat": flat,
            "pooled": len(info.pooled_stairs) > 0,
            "outside": count(info.n_outside, "point") if info.n_outside else "",
            "view": info.view,
        },
    )


def _for_page(figure: go.Figure) -> go.Figure:
    """Leaves legend and hover to the page, which has the legend and the data for every card."""
    figure.update_layout(showlegend=False)
    for role in ("front", "dominated"):
        figure.update_traces(hovertext=None, hoverinfo="none", selector={"meta": {"role": role}})
    return figure
