"""Phrases that several cards share."""

from __future__ import annotations

from collections.abc import Sequence

from pareto_explorer.figures.words import inline
from pareto_explorer.fronts import Box

__all__ = ["box_sentence", "count", "listing", "share"]


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 point``, ``2 points``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listing(names: Sequence[str], limit: int = 3) -> str:
    """``a, b and c``; from ``limit`` on the rest is counted."""
    shown = list(names[:limit])
    if len(names) > limit:
        shown.append(count(len(names) - limit, "other"))
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def share(value: float) -> str:
    """A hypervolume or a gap with three decimals."""
    return f"{value:.3f}"


def box_sentence(box: Box) -> str:
    """The bounds of the box and its reference point, in metric units."""
    ranges = listing(
        [f"{inline(o.metric)} from {o.ideal:.4g} to {o.nadir:.4g}" for o in box.objectives]
    )
    reference = ", ".join(f"{value:g}" for value in box.reference)
    return (
        f"The box spans {ranges}; each is scaled so that the first value is 0 and the second 1, "
        f"and the reference point is ({reference})."
    )
