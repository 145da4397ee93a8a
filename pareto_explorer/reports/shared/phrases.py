"""Phrases that several cards share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pareto_explorer.fronts import Box
from pareto_explorer.schema.metrics import inline
from pareto_explorer.text import listing

__all__ = [
    "box_sentence",
    "leaders_note",
    "measured",
    "p_value",
    "percent",
    "share",
    "signed",
]


def leaders_note(shown: Sequence[str], families: Sequence[str]) -> str:
    """Says that a figure does not show all families at first; empty when it does."""
    if len(shown) == len(families):
        return ""
    return (
        f"At first, only the {len(shown)} families with the largest hypervolume are shown; the "
        "names below the figure bring the others. "
    )


def share(value: float) -> str:
    """A hypervolume or a gap with three decimals."""
    return f"{value:.3f}"


def signed(value: float) -> str:
    """A difference with its sign and three decimals: ``+0.020``, ``−0.020``, ``0.000``."""
    text = f"{abs(value):.3f}"
    return text if float(text) == 0 else ("+" if value > 0 else "\N{MINUS SIGN}") + text


def measured(value: float) -> str:
    """An indicator with three decimals; words for what is not there."""
    if math.isnan(value):
        return "not measured"
    return "infinite" if math.isinf(value) else share(value)


def p_value(value: float | None) -> str:
    """A p-value with three decimals; empty without one."""
    if value is None:
        return ""
    return "<0.001" if value < 0.001 else share(value)


def percent(value: float) -> str:
    """A share in whole percent, rounded down, so that 95 % and 100 % mean at least that."""
    return f"{math.floor(100 * value + 1e-9)} %"


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
