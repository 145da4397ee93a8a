"""What leaves for other tools: as much of a run as they can take."""

from __future__ import annotations

from typing import Any, Protocol

import pandas as pd

from pareto_explorer.fronts import Box

__all__ = ["Exported"]


class Exported(Protocol):
    """A run as ``results.load_run`` gives it, seen from below."""

    @property
    def name(self) -> str:
        """What the sweep is called."""

    @property
    def manifest(self) -> dict[str, Any]:
        """The resolved specification."""

    @property
    def points(self) -> pd.DataFrame:
        """The points table."""

    @property
    def box(self) -> Box:
        """The objectives."""

    def means(self) -> pd.DataFrame:
        """Every checkpoint's replicate means."""
