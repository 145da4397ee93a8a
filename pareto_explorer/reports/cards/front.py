"""The front: every family's points, what they dominate, and the landmarks."""

from __future__ import annotations

from dataclasses import replace

from pareto_explorer.figures import FamilyStyle, draw_front
from pareto_explorer.figures.style import symbol_3d
from pareto_explorer.figures.words import GOOD_CORNER, inline
from pareto_explorer.reports.card import Card
from pareto_explorer.reports.material import Material
from pareto_explorer.reports.wording import count, listing

__all__ = ["front_card"]

_CROWD = 12  # more families than this are not all shown at first
_LEADERS = 8

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
    "original": "Original and retrained models are there once for each training seed.",
    "between": (
        "Open marks show how far two retrained models are from each other: gaps of that size "
        "cannot be blamed on a method."
    ),
}


def front_card(material: Material) -> Card:
    """The front figure with its legend."""
    info = material.info
    names = listing([inline(metric) for metric in info.box.metrics])
    flat = len(info.reference) == 2
    first, second, *_ = (objective.direction for objective in info.box.objectives)
    corner = f"The {GOOD_CORNER[first, second]} corner is best."
    good = corner if flat else "Each axis says which end is better."
    ranked = list(material.hypervolumes)
    shown = ranked if len(ranked) <= _CROWD else ranked[:_LEADERS]
    legend = [
        {
            "name": name,
            "style": _drawn(material.styles[name], flat=flat),
            "volume": volume.mean,
            "shown": name in shown,
        }
        for name, volume in material.hypervolumes.items()
    ]
    help_texts = [_HOW_TO_READ if flat else _HOW_TO_READ_3D]
    help_texts += [_LANDMARKS[cloud.kind] for cloud in info.landmarks if cloud.kind in _LANDMARKS]
    if len(shown) < len(ranked):
        help_texts.insert(
            0,
            f"At first, only the {_LEADERS} families with the largest hypervolume are shown; the "
            "legend brings the others.",
        )
    return Card(
        "front",
        "The front",
        f"{names[:1].upper()}{names[1:]} of every checkpoint, by family. {good}",
        how_to_read=" ".join(help_texts),
        data=material.front,
        draw=lambda theme: draw_front(info, theme=theme, shown=shown).update_layout(
            showlegend=False
        ),
        context={
            "legend": legend,
            "landmarks": [(cloud.kind, cloud.title) for cloud in info.landmarks],
            "flat": flat,
            "pooled": len(info.pooled_stairs) > 0,
            "outside": count(info.n_outside, "point") if info.n_outside else "",
            "view": info.view,
        },
    )


def _drawn(style: FamilyStyle, *, flat: bool) -> FamilyStyle:
    """The look of a family in this figure, whose 3-D form has fewer symbols and no lines."""
    return style if flat else replace(style, symbol=symbol_3d(style.symbol), dash="")
