"""A card: the unit that reports are made of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.errors import InputError
from pareto_explorer.figures import Theme

__all__ = ["Card", "failed", "guarded"]

M = TypeVar("M")

_LOGGER = logging.getLogger("pareto_explorer.reports")
_LOGGER.addHandler(logging.NullHandler())  # without any handler, Python would print it
_LONGEST = 400  # characters of what went wrong


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
        broken: Whether it could not be made; ``reason`` says why.
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
    broken: bool = False


def guarded(key: str, title: str) -> Callable[[Callable[[M], Card]], Callable[[M], Card]]:
    """Makes a function that builds a card give one whatever happens: it says what went wrong.

    Args:
        key: The card's key.
        title: Its title.
    """

    def guard(build: Callable[[M], Card]) -> Callable[[M], Card]:
        @wraps(build)
        def built(material: M) -> Card:
            try:
                return build(material)
            except Exception as error:
                return failed(key, title, error)

        return built

    return guard


def failed(key: str, title: str, error: Exception) -> Card:
    """The card in place of one that could not be made; the log gets the traceback.

    Args:
        key: The card's key.
        title: Its title.
        error: Bad input is told in its own words.
    """
    _LOGGER.error("report: the card %r failed", key, exc_info=error)
    text = " ".join(str(error).split())[:_LONGEST]
    if not isinstance(error, InputError):
        name = type(error).__name__
        text = f"This card could not be drawn ({f'{name}: {text}' if text else name})."
    return Card(key, title, reason=text, broken=True)
