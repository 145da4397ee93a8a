"""A run as a notebook shows it: without a script, and every name letter by letter."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import pandas as pd

from pareto_explorer.figures import LIGHT, draw_sketch, family_styles, front_info
from pareto_explorer.fronts import Box
from pareto_explorer.results.hypervolumes import Hypervolumes, letter_by_letter

__all__ = ["run_html"]


def run_html(
    heading: str,
    volumes: Hypervolumes,
    points: pd.DataFrame,
    landmarks: pd.DataFrame,
    box: Box,
    notes: Iterable[str],
) -> str:
    """The families with their hypervolumes, then the front where it has two objectives.

    Args:
        heading: What the run is.
        volumes: Of its families.
        points: Its points table.
        landmarks: Its landmarks table.
        box: Its objectives.
        notes: Sentences to add.
    """
    colours = {name: style.colour(LIGHT) for name, style in family_styles(points).items()}
    parts = [f"<p><b>{escape(heading)}</b></p>", volumes.to_html(colours)]
    if len(box.objectives) == 2:
        parts.append(draw_sketch(front_info(points, landmarks, box)))
    parts += [f"<p>{escape(note)}</p>" for note in notes]
    return letter_by_letter("".join(parts))
