"""How a sweep is run, beside what is swept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pareto_explorer.sweeps.live.progress import Progress

__all__ = ["Settings", "nothing"]


def nothing() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Settings:
    """What changes nothing of a sweep's points.

    Attributes:
        address: Ray cluster to join; see `pareto_explorer.run_sweep`, as for the next five.
        cache_dir: Folder of the landmark cache.
        progress: Display.
        verbose: Leaves Ray's own output on the terminal.
        dashboard: Starts Ray's dashboard.
        name: What the report calls the sweep.
        storage: Where the workers write models and checkpoints: a URI, if not the run directory.
        changed: Called after the run directory has changed.
    """

    address: str | None = None
    cache_dir: str | Path | None = None
    progress: Progress = field(default_factory=Progress)
    verbose: bool = False
    dashboard: bool = False
    name: str = ""
    storage: str = ""
    changed: Callable[[], None] = nothing
