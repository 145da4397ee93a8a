"""How the gradients of the two losses got along."""

from __future__ import annotations

from pareto_explorer.figures import diagnostics_info, draw_diagnostics
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.phrases import leaders_note
from pareto_explorer.text import count

__all__ = ["diagnostics_card"]

_TITLE = "Conflict of the gradients"

_HOW_TO_READ = (
    "Each line is the mean over a family's trials and replicates since the step before; point at a "
    "mark for the replicates' range. A cosine below 0 means that what makes the model forget "
    "undoes what it should keep, hardness says the same and how strongly. A weight that falls to "
    "nothing means that the aggregator listens to one loss alone; a norm that does, that this loss "
    "has nothing left to say. Families with other losses or learning rates differ for these "
    "reasons too."
)


@guarded("diagnostics", _TITLE)
def diagnostics_card(material: Material) -> Card:
    """Cosine, hardness, weights and norms over steps, for the families that have two gradients."""
    info = diagnostics_info(material.run.points)
    names = [family.name for family in info.families]
    if not names:
        reason = "No method of this run combined the gradients of two losses, so none was recorded."
        return Card("diagnostics", _TITLE, reason=reason)
    ranked = [name for name in material.hypervolumes if name in names]
    shown = material.leading(ranked)
    without = len(material.styles) - len(names)
    scope = f" {count(without, 'family', 'families')} took no such steps." if without else ""
    return Card(
        "diagnostics",
        _TITLE,
        "How the gradients of the forget loss and of the retain loss got along while unlearning, "
        f"for {count(len(names), 'family', 'families')}.{scope}",
        how_to_read=leaders_note(shown, ranked) + _HOW_TO_READ,
        data=info.frame(),
        draw=lambda theme: draw_diagnostics(info, theme=theme, shown=shown),
        context={"families": [{"name": name, "shown": name in shown} for name in ranked]},
        folded=True,
    )
