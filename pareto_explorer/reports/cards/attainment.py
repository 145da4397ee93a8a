"""How far each family's front moves from replicate to replicate."""

from __future__ import annotations

from pareto_explorer.figures import draw_attainment
from pareto_explorer.figures.frame import NEAR, WHOLE
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.text import count

__all__ = ["attainment_card"]

_TITLE = "How reliably it is reached"

_AT_FIRST = 3  # more bands than this cover each other
_HOW_TO_READ = (
    "The line is the median front: at least half of the replicates reach it. The band runs from "
    "what the best replicate reaches to what every replicate reaches. Where two bands overlap, "
    "some replicates of each family are ahead of some of the other."
)


@guarded("attainment", _TITLE)
def attainment_card(material: Material) -> Card:
    """Attainment bands of the leading families; the names bring the others."""
    box = material.run.box
    replicates = len(material.replicates)
    if len(box.objectives) != 2:
        reason = (
            "Attainment bands are drawn for two objectives, and this run has "
            f"{len(box.objectives)}; the Vorob'ev deviation under “Other measures” says how far "
            "each front moves."
        )
        return Card("attainment", _TITLE, reason=reason)
    if not material.has_points:
        return Card("attainment", _TITLE, reason="No trial has given a finite point yet.")
    if replicates < 2:
        reason = "With one replicate nothing tells how far a front moves; run at least two."
        return Card("attainment", _TITLE, reason=reason)
    info = material.attainment
    ranked = list(material.hypervolumes)
    shown = ranked[:_AT_FIRST]
    note = (
        f"At first, only the {_AT_FIRST} families with the largest hypervolume are shown; the "
        "names below the figure bring the others. "
        if len(ranked) > len(shown)
        else ""
    )
    return Card(
        "attainment",
        _TITLE,
        f"Which part of the box a family reaches in all {count(replicates, 'replicate')}, in at "
        f"least {info.median}, and in the best one.",
        how_to_read=note + _HOW_TO_READ,
        data=info.table(),
        draw=lambda theme: draw_attainment(info, theme=theme, shown=shown),
        context={
            "families": [{"name": name, "shown": name in shown} for name in ranked],
            "views": (NEAR, WHOLE),
        },
        folded=True,
    )
