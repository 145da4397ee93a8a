"""What was found, in a few sentences."""

from __future__ import annotations

from collections.abc import Mapping

from pareto_explorer.fronts import FamilyHypervolume
from pareto_explorer.reports.card import Card
from pareto_explorer.reports.material import Material
from pareto_explorer.reports.wording import count, listing, share

__all__ = ["finding_card", "finding_sentences"]


def finding_card(material: Material) -> Card:
    """The answer that a reader should take away, and what limits it."""
    first, *rest = finding_sentences(material.hypervolumes)
    return Card(
        "finding",
        "What was found",
        first,
        context={"sentences": [*rest, _beyond(material), _trials(material)]},
    )


def finding_sentences(hypervolumes: Mapping[str, FamilyHypervolume]) -> list[str]:
    """Says which family has the largest hypervolume and whether the replicates support it.

    Args:
        hypervolumes: By family, the largest mean first.
    """
    if not any(volume.n_points for volume in hypervolumes.values()):
        return ["No trial has given a finite point yet, so there is no front to show."]
    best, *others = hypervolumes
    top = hypervolumes[best]
    if top.mean <= 0:
        return ["No family dominates any part of the box: every hypervolume is 0."]
    n = len(top.per_replicate)
    low, high = top.interval
    spread = f"on average over {n} replicates (range {share(low)} to {share(high)})"
    sentences = [
        f"{best} dominates the largest share of the box: hypervolume {share(top.mean)} "
        f"{spread if n > 1 else 'in the only replicate'}."
    ]
    if not others:
        return [*sentences, "There is no other family to compare it with."]
    second = hypervolumes[others[0]]
    follows = f"{others[0]} follows with {share(second.mean)}"
    if n < 2:
        verdict = "; with one replicate, nothing tells this lead from chance."
        return [*sentences, follows + verdict]
    follows += f" ({share(second.interval[0])} to {share(second.interval[1])})"
    close = [name for name in others if hypervolumes[name].interval[1] >= low]
    if close:
        verdict = (
            f". The ranges of {listing(close)} overlap with the leader's, so these replicates do "
            "not separate them."
            if len(close) > 1
            else f". The range of {close[0]} overlaps with the leader's, so these replicates do "
            "not separate the two."
        )
    else:
        verdict = f"; its range and the leader's do not overlap over {n} replicates."
    return [*sentences, follows + verdict]


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
