"""The front as a small drawing without a script: for places that can show no figure of Plotly."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import numpy as np
import numpy.typing as npt

from pareto_explorer.figures.front_info import FrontInfo
from pareto_explorer.figures.shared.style import LIGHT
from pareto_explorer.schema.metrics import BETTER, label, measure

__all__ = ["draw_sketch"]

Values = npt.NDArray[np.float64]
Scale = Callable[[Values], Values]

_WIDTH, _HEIGHT, _EDGE = 460, 300, 26
_MARKS = {
    "original": ("×", "m-4 -4 l8 8 m-8 0 l8 -8"),
    "retrained": ("+", "m-5 0 h10 m-5 -5 v10"),
    "between": ("-", "m-3 0 h6"),
}


def draw_sketch(info: FrontInfo) -> str:
    """Draws families, their fronts and the landmarks; text and axes take the page's colour.

    Args:
        info: What ``front_info`` gives, for two objectives.

    Returns:
        An SVG element.
    """
    low, high = np.array(info.view).T

    def place(values: Values) -> Values:
        x, y = ((values - low) / (high - low)).T
        width, height = _WIDTH - 2 * _EDGE, _HEIGHT - 2 * _EDGE
        return np.column_stack([_EDGE + x * width, _HEIGHT - _EDGE - y * height]).round(1)

    parts = [_frame(info, place)]
    for family in info.families:
        colour = family.style.colour(LIGHT)
        inside = ((family.values >= low) & (family.values <= high)).all(axis=1)
        places = place(family.values)
        for chosen, look in (
            (inside & ~family.on_front, 'r="2" opacity="0.35"'),
            (inside & family.on_front, 'r="3.5"'),
        ):
            dots = "".join(f'<circle cx="{x}" cy="{y}" {look}/>' for x, y in places[chosen])
            parts.append(f'<g fill="{colour}">{dots}</g>')
        if len(family.stairs):
            parts.append(f'<path d="{_line(place(family.stairs))}" stroke="{colour}"/>')
    for cloud in info.landmarks:
        inside = ((cloud.values >= low) & (cloud.values <= high)).all(axis=1)
        outline = _MARKS[cloud.kind][1]
        marks = " ".join(f"M{x} {y} {outline}" for x, y in place(cloud.values)[inside])
        parts.append(f'<path d="{marks}" stroke="currentColor"/>')
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="12" fill="none">'
        f"{''.join(parts)}</svg>"
    )


def _frame(info: FrontInfo, place: Scale) -> str:
    ideal = [objective.ideal for objective in info.box.objectives]
    (a, b), (c, d) = place(np.array([ideal, info.reference])).tolist()
    box = (
        f'<rect x="{min(a, c)}" y="{min(b, d)}" width="{abs(c - a):.1f}" '
        f'height="{abs(d - b):.1f}" stroke="currentColor" stroke-dasharray="2 3" opacity="0.6"/>'
    )
    (left, right), (bottom, top) = ([measure(end) for end in ends] for ends in info.view)
    x, y = (
        f"{escape(label(objective.metric))}, {BETTER[objective.direction]}"
        for objective in info.box.objectives
    )
    base, end, middle = _HEIGHT - 8, _WIDTH - _EDGE, _WIDTH // 2
    legend = ", ".join(f"{_MARKS[cloud.kind][0]} {cloud.title}" for cloud in info.landmarks)
    texts = (
        f'<text x="{end}" y="14" text-anchor="end">{escape(legend)}</text>'
        f'<text x="{_EDGE}" y="{base}">{left}</text>'
        f'<text x="{middle}" y="{base}" text-anchor="middle">{x}</text>'
        f'<text x="{end}" y="{base}" text-anchor="end">{right}</text>'
        f'<g transform="rotate(-90)"><text x="{_EDGE - _HEIGHT}" y="16">{bottom}</text>'
        f'<text x="{-_HEIGHT // 2}" y="16" text-anchor="middle">{y}</text>'
        f'<text x="{-_EDGE}" y="16" text-anchor="end">{top}</text></g>'
    )
    return f'{box}<g fill="currentColor">{texts}</g>'


def _line(corners: Values) -> str:
    return "M" + " L".join(f"{x} {y}" for x, y in corners)
