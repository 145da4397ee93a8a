"""A card: the unit that reports are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.figures import Theme

__all__ = ["Card"]


@dataclass(frozen=True)
class Card:
    """One thing that a report shows.

    Attributes:
        key: Identifier in the page and name of the template ``cards/<key>.html``.
        title: A few words.
        sentence: What the card shows, in plain words.
        reason: Why the card does not apply to this run; then nothing else is shown.
        how_to_read: Help for the figure or table.
        data: The table behind the card, which the page offers as CSV.
        draw: Draws the card's figure under a theme.
        context: What else the card's template needs.
        payload: Plain data for the card's script, which then offers the table itself.
    """

    key: str
    title: str
    sentence: str = ""
    reason: str = ""
    how_to_read: str = ""
    data: pd.DataFrame | None = None
    draw: Callable[[Theme], go.Figure] | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    payload: Mapping[str, Any] | None = None
