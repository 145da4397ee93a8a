"""What fewer configurations would have reached, and what was spent."""

from __future__ import annotations

from pareto_explorer.figures import anytime_info, draw_anytime
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.phrases import leaders_note
from pareto_explorer.text import listing

__all__ = ["anytime_card"]

_TITLE = "What it took"

_SPENT = {"trials": "trials", "seconds": "seconds of compute", "samples": "samples"}
_EXPECTED = (
    "Against configurations, a line is what any so many of the family's configurations can be "
    "expected to reach, and the band what 10 to 90 % of such subsets reach, averaged over "
    "replicates: a wide band says how much a small sweep owes to luck. "
)
_ONE_AFTER_ANOTHER = (
    "Against what was spent, a line is the mean over replicates and steps up where a checkpoint "
    "adds to the family's front, of a family with one run too; trials count one after another in "
    "the order of their numbers, whatever ran at the same time, and each costs what one replicate "
    "of it spent, failed ones included. Families are compared fairly at equal samples. "
)
_RISING = (
    "A line that is still rising has not been searched to its end; a lead over it is a lead at "
    "this budget."
)


@guarded("anytime", _TITLE)
def anytime_card(material: Material) -> Card:
    """Hypervolume against configurations, or trials of a search, and against what they cost."""
    if not material.has_points:
        return Card("anytime", _TITLE, reason="No trial has given a finite point yet.")
    points = material.run.points
    shown_at = points.drop_duplicates(["trial_id", "step"]).groupby("family").size()
    if shown_at.max() < 2:
        reason = "Every family was shown once, so nothing tells how its hypervolume grew."
        return Card("anytime", _TITLE, reason=reason)
    several = material.trials.groupby("family").size().max() > 1
    counted = "trials" if material.run.searched else "configurations"
    axes = (counted, "seconds", "samples") if several else ("seconds", "samples")
    info = anytime_info(points, material.run.box, axes)
    if not info.axes:
        reason = "Every family has a single trial, and what its models cost was not recorded."
        return Card("anytime", _TITLE, reason=reason)
    ranked = list(material.hypervolumes)
    shown = material.leading(ranked)
    spent = [_SPENT[axis] for axis in info.axes if axis in _SPENT]
    parts = []
    if "configurations" in info.axes:
        parts.append("what any so many of a family's configurations can be expected to reach")
    if spent:
        parts.append(f"how each family's hypervolume grew with the {listing(spent)} spent on it")
    sentence = ", and ".join(parts)
    explained = [_EXPECTED] * ("configurations" in info.axes) + [_ONE_AFTER_ANOTHER] * bool(spent)
    return Card(
        "anytime",
        _TITLE,
        f"{sentence[0].upper()}{sentence[1:]}.",
        how_to_read="".join([leaders_note(shown, ranked), *explained, _RISING]),
        data=info.table(),
        draw=lambda theme: draw_anytime(info, theme=theme, shown=shown),
        context={
            "families": [{"name": name, "shown": name in shown} for name in ranked],
            "views": info.axes,
        },
        folded=True,
    )
