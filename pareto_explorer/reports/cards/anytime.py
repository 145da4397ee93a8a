"""How the hypervolume grew with what was spent."""

from __future__ import annotations

from pareto_explorer.figures.anytime import anytime_info, draw_anytime
from pareto_explorer.reports.card import Card
from pareto_explorer.reports.material import Material
from pareto_explorer.reports.wording import leaders_note, listing

__all__ = ["anytime_card"]

_SPENT = {"trials": "trials", "seconds": "seconds of compute", "samples": "samples"}
_HOW_TO_READ = (
    "Each line is the mean over replicates and steps up where a checkpoint adds to the family's "
    "front. A line that is still rising has not been searched to its end; a lead over it is a lead "
    "at this budget. Trials count one after another in the order of their numbers, whatever ran at "
    "the same time; each costs what one replicate of it spent, failed ones included."
)


def anytime_card(material: Material) -> Card:
    """Hypervolume against trials, and the seconds and samples that are recorded."""
    title = "What it took"
    if not material.has_points:
        return Card("anytime", title, reason="No trial has given a finite point yet.")
    if material.trials.groupby("family").size().max() < 2:
        reason = "Every family has a single trial, so nothing shows how its hypervolume grew."
        return Card("anytime", title, reason=reason)
    info = anytime_info(material.run.points, material.run.box)
    ranked = list(material.hypervolumes)
    shown = material.leading(ranked)
    spent = listing([_SPENT[axis] for axis in info.axes])
    return Card(
        "anytime",
        title,
        f"How each family's hypervolume grew with the {spent} spent on it.",
        how_to_read=leaders_note(shown, ranked) + _HOW_TO_READ,
        data=info.table(),
        draw=lambda theme: draw_anytime(info, theme=theme, shown=shown),
        context={
            "families": [{"name": name, "shown": name in shown} for name in ranked],
            "views": info.axes,
        },
    )
