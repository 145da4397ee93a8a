"""The legend that the explorer and the front figure share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pareto_explorer.figures import FamilyStyle
from pareto_explorer.figures.style import symbol_3d
from pareto_explorer.reports.material import Material

__all__ = ["crowd_note", "legend_entries", "shown_families"]

_CROWD = 12  # more families than this are not all shown at first
_LEADERS = 8


def shown_families(material: Material) -> list[str]:
    """The families shown at first, best first.

    Of a crowd these are the ones with the largest hypervolume and those with a point on the front
    of all families.
    """
    ranked = list(material.hypervolumes)
    if len(ranked) <= _CROWD:
        return ranked
    wanted = {*ranked[:_LEADERS], *material.front["family"]}
    return [name for name in ranked if name in wanted]


def crowd_note(shown: Sequence[str], material: Material) -> str:
    """Says that not all families are shown at first; empty when they are."""
    if len(shown) == len(material.hypervolumes):
        return ""
    also = " and those on the front of all families" if len(shown) > _LEADERS else ""
    return (
        f"At first, only the {_LEADERS} families with the largest hypervolume{also} are shown; "
        "the legend brings the others."
    )


def legend_entries(material: Material, *, flat: bool) -> list[dict[str, Any]]:
    """What the legend says of each family, the largest hypervolume first."""
    shown = shown_families(material)
    return [
        {
            "name": name,
            "style": _drawn(material.styles[name], flat=flat),
            "volume": volume.mean,
            "shown": name in shown,
        }
        for name, volume in material.hypervolumes.items()
    ]


def _drawn(style: FamilyStyle, *, flat: bool) -> FamilyStyle:
    """The look of a family in a figure, whose 3-D form has fewer symbols and no lines."""
    return style if flat else replace(style, symbol=symbol_3d(style.symbol), dash="")
