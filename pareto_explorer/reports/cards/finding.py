"""What was found, in a few sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pareto_explorer.fronts import FamilyHypervolume
from pareto_explorer.fronts.comparison import SEPARABLE_FROM, Comparison, comparison_sentence
from pareto_explorer.fronts.floor import floor_sentence
from pareto_explorer.fronts.sensitivity import ranking_changes
from pareto_explorer.reports.card import Card
from pareto_explorer.reports.material import Material
from pareto_explorer.reports.wording import count, listing, share

__all__ = ["finding_card", "leader_sentences", "optimism_sentence"]

_VISIBLE = 0.0005  # a hypervolume below this is 0.000 in the report


def finding_card(material: Material) -> Card:
    """The answer that a reader should take away, and what limits it."""
    first, *rest = leader_sentences(material.hypervolumes, material.comparisons)
    if not _leads(material.hypervolumes):
        return Card("finding", "What was found", first, context=_context([_trials(material)]))
    answer = [*rest, floor_sentence(material.floor, material.inside_floor)]
    limits = [
        optimism_sentence(material.hypervolumes),
        _reference(material),
        _beyond(material),
        _trials(material),
    ]
    return Card("finding", "What was found", first, context=_context(answer, limits))


def leader_sentences(
    hypervolumes: Mapping[str, FamilyHypervolume], comparisons: Sequence[Comparison]
) -> list[str]:
    """Says which family has the largest hypervolume, and which the replicates tell apart.

    Args:
        hypervolumes: By family, the largest mean first.
        comparisons: What ``fronts.comparison.compare_families`` gives for them.
    """
    if not any(volume.n_points for volume in hypervolumes.values()):
        return ["No trial has given a finite point yet, so there is no front to show."]
    if not _leads(hypervolumes):
        return ["No family dominates any part of the box: every hypervolume is 0."]
    best = next(iter(hypervolumes))
    top = hypervolumes[best]
    n = len(top.per_replicate)
    low, high = top.interval
    bounds = "range" if top.interval.kind == "range" else top.interval.words()
    spread = f"on average over {n} replicates ({bounds} {share(low)} to {share(high)})"
    leader = (
        f"{best} dominates the largest share of the box: hypervolume {share(top.mean)} "
        f"{spread if n > 1 else 'in the only replicate'}."
    )
    if len(hypervolumes) == 1:
        return [leader, "There is no other family to compare it with."]
    sentences = [leader, comparison_sentence(comparisons)]
    if n >= SEPARABLE_FROM:
        sentences.append(_rivals(best, comparisons))
    return sentences


def optimism_sentence(hypervolumes: Mapping[str, FamilyHypervolume]) -> str:
    """Says what choosing and measuring on the same replicates adds; empty with one replicate.

    Args:
        hypervolumes: By family, the largest mean first.
    """
    fitted = {
        name: volume.cross_fitted_mean
        for name, volume in hypervolumes.items()
        if volume.cross_fitted_mean is not None
    }
    best = next(iter(hypervolumes), "")
    if best not in fitted:
        return ""
    lost = hypervolumes[best].mean - fitted[best]
    said = (
        f"Chosen on the other replicates, the front of {best} still has {share(fitted[best])}"
        if lost >= _VISIBLE
        else f"Choosing the front of {best} on the other replicates takes nothing from it"
    )
    first = max(fitted, key=lambda name: (fitted[name], name == best))
    return f"{said}; by that measure {first} leads instead." if first != best else f"{said}."


def _context(answer: list[str], limits: list[str] | None = None) -> dict[str, list[str]]:
    kept = [sentence for sentence in limits or [] if sentence]
    return {"answer": answer, "limits": kept, "sentences": [*answer, *kept]}


def _leads(hypervolumes: Mapping[str, FamilyHypervolume]) -> bool:
    return any(volume.mean > 0 for volume in hypervolumes.values())


def _rivals(best: str, comparisons: Sequence[Comparison]) -> str:
    close = [c.second for c in comparisons if c.first == best and not c.distinguishable]
    if not close:
        return f"The lead of {best} over each other family is distinguishable."
    verb = "is" if len(close) == 1 else "are"
    return f"From {best} itself, {listing(close)} {verb} not distinguishable."


def _reference(material: Material) -> str:
    """What the reference point changes, where it changes who leads."""
    table = material.sensitivity
    leaders = table[table["rank"] == 1].groupby("reference")["family"].agg(tuple)
    return ranking_changes(table) if leaders.nunique() > 1 else ""


def _beyond(material: Material) -> str:
    total = sum(volume.n_points for volume in material.hypervolumes.values())
    beyond = sum(volume.n_beyond for volume in material.hypervolumes.values())
    if not beyond:
        return "Every point lies inside the box."
    return (
        f"{beyond:,} of {count(total, 'point')} lie at or beyond the reference point "
        f"and add nothing to any hypervolume."
    )


def _trials(material: Material) -> str:
    status = material.trials["trial_status"]
    failed, diverged, running = ((status == s).sum() for s in ("failed", "diverged", "running"))
    if not failed + diverged + running:
        return f"All {count(len(status), 'trial')} finished."
    parts = [
        f"{number:,} {what}"
        for number, what in ((failed, "failed"), (diverged, "diverged"), (running, "not finished"))
        if number
    ]
    return f"Of {count(len(status), 'trial')}, {listing(parts)}."
