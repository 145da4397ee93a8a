"""Which families are shown at first, and the marks that stand for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from pareto_explorer.figures import FamilyStyle
from pareto_explorer.reports.shared.material import Material

__all__ = ["LANDMARK_SHAPES", "crowd_note", "marker_path", "shown_families", "swatch"]

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
LANDMARK_SHAPES: Mapping[str, Mapping[str, object]] = {  # in the same square
    "original": {"path": "M-4-4 4 4M4-4-4 4", "line": 3},
    "retrained": {"path": _STAR, "line": 0},
    "between": {"path": _STAR, "line": 1},
}
"""The marks of landmarks: an outline of this width, or filled where it is 0."""

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


def marker_path(symbol: str) -> str:
    """The outline of a marker as an SVG path in a square from -5 to 5."""
    return _MARKERS[symbol]


def _svg(body: str, attributes: str) -> Markup:
    frame = 'class="swatch" width="32" height="14" viewBox="-16 -7 32 14" aria-hidden="true"'
    return Markup(f"<svg {frame}{attributes}>{body}</svg>")  # noqa: S704 - constants only
