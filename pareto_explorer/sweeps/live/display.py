"""Which display a sweep gets."""

from __future__ import annotations

from rich.console import Console

from pareto_explorer.sweeps.live.notebook import NotebookProgress
from pareto_explorer.sweeps.live.progress import LiveProgress, PlainProgress, Progress
from pareto_explorer.terminal import Terminal

__all__ = ["display_for", "progress_for"]


def progress_for(console: Console, *, quiet: bool) -> Progress:
    """The display that suits where the output goes."""
    if quiet:
        return Progress()
    if console.is_jupyter:
        return NotebookProgress()
    return LiveProgress(console) if console.is_terminal else PlainProgress(console)


def display_for(wanted: bool | Progress) -> Progress:
    """The display that a call from Python gets.

    Args:
        wanted: Whether there is one: below the cell in a notebook, else on standard error, since
            standard output is the caller's. Or the display itself.
    """
    if isinstance(wanted, Progress):
        return wanted
    return progress_for(Terminal(stderr=True), quiet=not wanted)
