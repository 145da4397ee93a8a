"""Which knobs matter, for each objective and for the hypervolume."""

from __future__ import annotations

from pareto_explorer.figures import draw_importance, importance_info
from pareto_explorer.fronts import ImportanceResult, knob_importance
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.schema.metrics import inline
from pareto_explorer.text import listing

__all__ = ["importance_card"]

_TITLE = "Which knobs mattered"

_HOW_TO_READ = (
    "A random forest learns to predict from the knobs; a bar says by how much the share of the "
    "variance that it explains falls when a knob's values are shuffled among trials that have it "
    "and that the forest has not seen, the whisker how much that varies between shuffles; below 0 "
    "it is noise. Where all knobs together explain little, no bar means much. Knobs that go "
    "together share or hide their importance, and none of this is a causal effect."
)


@guarded("importance", _TITLE)
def importance_card(material: Material) -> Card:
    """Permutation importance of the knobs, or why it does not apply."""
    if not material.has_points:
        return Card("importance", _TITLE, reason="No trial has given a finite point yet.")
    result = knob_importance(material.run.points, material.run.box, means=material.means)
    if result.reason:
        return Card("importance", _TITLE, reason=result.reason)
    info = importance_info(result)
    left_out = info.n_knobs - len(info.knobs)
    more = (
        f" The {len(info.knobs)} most important of {info.n_knobs} knobs are drawn."
        if left_out
        else ""
    )
    return Card(
        "importance",
        _TITLE,
        "How much each knob explains of what a trial reached, on trials left out."
        f"{_unexplained(result)}",
        how_to_read=f"{_HOW_TO_READ} {result.note}{more}",
        data=result.table,
        draw=lambda theme: draw_importance(info, theme=theme),
        folded=True,
    )


def _unexplained(result: ImportanceResult) -> str:
    """Names the targets of which the knobs explain too little to be drawn."""
    drawn = set(result.table["target"])
    missing = [inline(target) for target in result.r2 if target not in drawn]
    return f" They explain nothing that holds of {listing(missing)}." if missing else ""
