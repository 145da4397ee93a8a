"""Every point: parallel coordinates, table and pins, linked with the scatter plot of the front."""

from __future__ import annotations

from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.text import listing

__all__ = ["points_card"]

_TITLE = "Explore every point"

_HOW_TO_READ = (
    "Drag along an axis or type limits at its ends (arrow keys move them on a focused axis): "
    "figure, lines and table always show the same points. Values past the end of an axis are drawn "
    "at its end."
)
_SPREAD = "its standard deviation over replicates after ±"
_RETRAINED = "its distance to the retrained model"
_COMMANDS = "the commands that run it again and write its weights to a file"


@guarded("points", _TITLE)
def points_card(material: Material) -> Card:
    """Every point, to filter and to compare; the front's card holds the data."""
    if material.means.empty:
        return Card("points", _TITLE, reason="No trial has given a finite point yet.")
    run = material.run
    told = [_SPREAD, *[_RETRAINED] * run.retrained, *[_COMMANDS] * run.repeatable]
    return Card(
        "points",
        _TITLE,
        "Knobs and metrics of the points selected in the figure. Filter, search, sort, and pin the "
        "ones to look at closely.",
        how_to_read=f"{_HOW_TO_READ} What is pinned is told in full, with {listing(told)}.",
        payload={},  # its script keeps what the reader did, so a page that is open leaves it alone
    )
