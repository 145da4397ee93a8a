"""The legend that the explorer and the front figure share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from pareto_explorer.figures import FamilyStyle
from pareto_explorer.figures.shared.style import symbol_3d
from pareto_explorer.reports.shared.material import Material

__all__ = [
    "crowd_note",
    "landmark_swatch",
    "legend_entries",
    "shown_families",
    "swatch",
]

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


_MARKERS: Mapping[str, str] = {  # in a square from -5 to 5
    "circle": "M4.5 0A4.5 4.5 0 1 1-4.5 0 4.5 4.5 0 1 1 4.5 0Z",
    "square": "M-4-4H4V4H-4Z",
    "diamond": "M0-5.5 5.5 0 0 5.5-5.5 0Z",
    "triangle-up": "M0-5 5 4H-5Z",
    "triangle-down": "M0 5 5-4H-5Z",
    "cross": "M-1.7-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z",
    "pentagon": "M0-5 4.8-1.5 2.9 4H-2.9L-4.8-1.5Z",
    "hexagon": "M0-5 4.3-2.5V2.5L0 5-4.3 2.5V-2.5Z",
    "triangle-left": "M-5 0 4-5V5Z",
    "triangle-right": "M5 0-4-5V5Z",
    "bowtie": "M-5-4 5 4V-4L-5 4Z",
    "hourglass": "M-4-5H4L-4 5H4Z",
}
_STAR = "M0-6 1.4-1.9H5.7L2.3.7 3.5 4.9 0 2.4-3.5 4.9-2.3.7-5.7-1.9H-1.4Z"
_LANDMARKS: Mapping[str, str] = {
    "original": '<path fill="none" stroke="currentColor" stroke-width="3" d="M-4-4 4 4M4-4-4 4"/>',
    "retrained": f'<path fill="currentColor" d="{_STAR}"/>',
    "between": f'<path fill="none" stroke="currentColor" d="{_STAR}"/>',
    "box": '<path stroke="currentColor" stroke-width="2" d="M-6 0H6M0-6V6"/>',
    "pooled": '<path stroke="currentColor" stroke-width="6" opacity=".35" d="M-15 0H15"/>',
}
_LANDMARKS_3D: Mapping[str, str] = {
    "original": '<path fill="none" stroke="currentColor" stroke-width="1.5" d="M-4-4H4V4H-4Z"/>',
    "retrained": f'<path fill="currentColor" d="{_MARKERS["diamond"]}"/>',
    "between": f'<path fill="none" stroke="currentColor" d="{_MARKERS["diamond"]}"/>',
    "box": f'<path fill="currentColor" d="{_MARKERS["cross"]}"/>',
}
_DASHES: Mapping[str, str] = {
    "solid": "",
    "dash": "6 4",
    "dot": "2 3",
    "dashdot": "6 3 2 3",
    "longdash": "11 4",
    "longdashdot": "10 3 2 3",
}


def swatch(style: FamilyStyle) -> Markup:
    """A family's marker, and its line unless the dash is empty, coloured for light and dark."""
    body = f'<path fill="currentColor" d="{_MARKERS[style.symbol]}"/>'
    if style.dash:
        dashes = f'stroke-dasharray="{_DASHES[style.dash]}"'
        line = f'<path fill="none" stroke="currentColor" stroke-width="2" {dashes} d="M-16 0H16"/>'
        body = line + body
    colours = f"--on-light:{style.light};--on-dark:{style.dark}"
    return _svg(body, f' style="{colours}"')


def landmark_swatch(kind: str, *, flat: bool) -> Markup:
    """The mark of a landmark (``original, retrained, between``), of the ``box`` or ``pooled``."""
    return _svg((_LANDMARKS if flat else _LANDMARKS_3D)[kind], "")


def _svg(body: str, attributes: str) -> Markup:
    frame = 'class="swatch" width="32" height="14" viewBox="-16 -7 32 14" aria-hidden="true"'
    return Markup(f"<svg {frame}{attributes}>{body}</svg>")  # noqa: S704 - constants only
