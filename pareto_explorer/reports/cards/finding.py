"""What was found, in a few sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import pandas as pd

from pareto_explorer.fronts import (
    Comparison,
    FamilyHypervolume,
    destruction_sentences,
    floor_sentence,
    oracle_free_doubt,
    ranking_changes,
    standing,
    standing_sentence,
)
from pareto_explorer.fronts.core.tables import usable
from pareto_explorer.fronts.statistics.comparison import SEPARABLE_FROM
from pareto_explorer.fronts.statistics.standing import LARGEST, REPEATED
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.phrases import share
from pareto_explorer.runs.manifest import entry_knobs
from pareto_explorer.schema.metrics import METRICS, SAID_EXACTLY, inline
from pareto_explorer.schema.statuses import DIVERGED, FAILED, FINISHED, OK, RUNNING
from pareto_explorer.text import called, count, families, listing, plural

__all__ = ["finding_card", "leader_sentences", "optimism_sentence", "verdict_pending"]

_TITLE = "What was found"

_BOX = "the box, which spans each objective from its best value to the worst that counts"
_PARTS = ("method", "aggregator", "forget_loss")
_FEW = 2  # families that the first sentence names of a group
_VISIBLE = 0.0005  # a hypervolume below this is 0.000 in the report


@guarded("finding", _TITLE)
def finding_card(material: Material) -> Card:
    """The answer that a reader should take away, and what limits it."""
    if material.nothing_to_forget:
        context = _context([], [*material.run.notes, *_of_tokens(material), _trials(material)])
        return Card("finding", _TITLE, material.nothing_to_forget, context=context)
    told = (material.competitors, material.comparisons, material.unfinished)
    first, *rest = leader_sentences(*told, named=_FEW)
    in_full = leader_sentences(*told)[0]
    rest += [in_full] * (in_full != first)
    notes = list(material.run.notes)
    if not _leads(material.hypervolumes):
        return Card(
            "finding",
            _TITLE,
            first,
            context=_context(
                [_trials(material)],
                [*notes, *_of_tokens(material), _aim(material), _unmeasurable(material)],
            ),
        )
    answer = [*rest, _one_search(material), _floor(material, len(material.replicates))]
    limits = [
        *notes,
        *_of_tokens(material),
        _aim(material),
        _across_seeds(material),
        _unequal(material),
        _aside(material),
        _missing(material.hypervolumes),
        optimism_sentence(material.competitors),
        _reference(material),
        _beyond(material),
        _unmeasurable(material),
        _trials(material),
    ]
    return Card("finding", _TITLE, first, context=_context(answer, limits))


def leader_sentences(
    hypervolumes: Mapping[str, FamilyHypervolume],
    comparisons: Sequence[Comparison],
    running: tuple[int, int] = (0, 0),
    *,
    named: int = 5,
) -> list[str]:
    """Says which family has the largest hypervolume, and which cannot be told from it.

    Args:
        hypervolumes: By family, the largest mean first.
        comparisons: What ``fronts.comparison.compare_families`` gives for them.
        running: How many trials are running, and how many there are; with any there is no verdict.
        named: How many families of a group are named before the rest is counted.

    Returns:
        The finding in one sentence, then the numbers behind it and what the terms mean.
    """
    if not any(volume.n_points for volume in hypervolumes.values()):
        return ["No trial has given a finite point yet, so there is no front to show."]
    if not _leads(hypervolumes):
        return [
            f"No family has a point inside {_BOX}, so every hypervolume (the share of it that "
            "a family's models beat) is 0."
        ]
    found = standing(hypervolumes, comparisons)
    first = (
        f"{called(found.leader)} {LARGEST} so far; {verdict_pending(running)}"
        if running[0] and len(hypervolumes) > 1
        else standing_sentence(found, named=named)
    )
    top = hypervolumes[found.leader]
    numbers = _numbers(top, found.replicates, explained=REPEATED in first)
    if found.shared >= SEPARABLE_FROM or running[0] or not found.unsettled:
        return [first, numbers]
    unsettled = families(found.unsettled)
    return [first, numbers, f"Another draw of the configurations could put {unsettled} first."]


def verdict_pending(running: tuple[int, int]) -> str:
    """Says how many trials have not ended, of how many."""
    have = plural(running[0], "has", "have")
    planned = count(running[1], "planned trial")
    return f"{running[0]:,} of {planned} {have} not ended, so no verdict yet."


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
    front = f"the front of {called(best)}"
    said = (
        f"Chosen on the other replicates, {front} still has {share(fitted[best])}"
        if lost >= _VISIBLE
        else f"Choosing {front} on the other replicates takes nothing from it"
    )
    first = max(fitted, key=lambda name: (fitted[name], name == best))
    return (
        f"{said}; by that measure the mean of {called(first)} is larger."
        if first != best
        else f"{said}."
    )


def _numbers(top: FamilyHypervolume, total: int, *, explained: bool) -> str:
    """The leader's hypervolume with its bounds, and its scale."""
    n = len(top.per_replicate)
    low, high = top.interval
    repeated = "" if explained else f" ({REPEATED})"
    bounds = f"{share(low)} to {share(high)}"
    if n == 1:
        where = "the only replicate" if total == 1 else f"1 of {total} replicates"
        mean = f"It is {share(top.mean)} in {where}{repeated}"
    else:
        of = f"{n} of {total}" if n < total else f"{n}"
        kind = "range" if top.interval.kind == "range" else top.interval.words()
        mean = f"The mean is {share(top.mean)} over {of} replicates{repeated}, {kind} {bounds}"
    return f"{mean}; {prod(top.box.reference):g} would be all of {_BOX}."


def _floor(material: Material, n: int) -> str:
    if not material.run.retrained and len(material.run.landmarks):
        return (
            "No model was retrained, so nothing says how near to retraining these models come, "
            "nor how far two retrained models would be apart."
        )
    return floor_sentence(material.floor, material.inside_floor, n)


def _aim(material: Material) -> str:
    """What stands in for a retrained model, where an objective needs none."""
    metrics = material.run.box.metrics
    runs = material.run.members.values() or [material.run]
    for run in runs:
        doubt = oracle_free_doubt(metrics, run.manifest.get("facts", {}))
        if doubt:
            return f"{doubt[0].upper()}{doubt[1:]}"
    if "forget_accuracy_gap" not in metrics:
        return ""
    return (
        "The forget accuracy gap takes what the original model gets right of unseen samples for "
        "what a retrained model would get right of the forget set."
    )


def _of_tokens(material: Material) -> list[str]:
    """What the measures of language models mean, and what forget quality does not see."""
    if not material.info.tokens:
        return []
    return [
        SAID_EXACTLY,
        *destruction_sentences(material.means, material.run.landmarks),
    ]


def _across_seeds(material: Material) -> str:
    """What an objective that compares the models of all replicates does to intervals."""
    shared = [
        inline(metric)
        for metric in material.run.box.metrics
        if metric in METRICS and METRICS[metric].least_seeds > 1
    ]
    if not shared:
        return ""
    names = listing(shared)
    return (
        f"{names[0].upper()}{names[1:]} of a replicate is measured with the models of all others, "
        "so replicates are not independent and intervals are approximate."
    )


def _one_search(material: Material) -> str:
    """What a ranking says in explore mode."""
    modes = [
        run.manifest.get("spec", {}).get("search", {}).get("mode")
        for run in (material.run.members.values() or [material.run])
    ]
    if "explore" not in modes:
        return ""
    return (
        "One search drew the trials and gave more of them to what looked better, so hypervolumes "
        "say what was found, not which family is better at equal budgets."
    )


def _aside(material: Material) -> str:
    """Which families were not compared."""
    paths = [name for name in material.hypervolumes if name not in material.competitors]
    if not paths:
        return ""
    return (
        f"{listing(paths)} {plural(len(paths), 'shows', 'show')} the way from the original to one "
        "unlearned model: to look along, and no competitor. No verdict counts it, though its "
        "points may lie on the front of all families."
    )


def _unequal(material: Material) -> str:
    """What to keep in mind where families did not get the same budget."""
    if _one_search(material):
        return ""
    spec = material.run.manifest.get("spec", {})
    if spec.get("early_stopping"):
        return "Trials that fell behind were stopped early, so families spent unequal budgets."
    if spec.get("search", {}).get("budget_per_family") and not material.unfinished[0]:
        return ""  # of seconds or samples, whatever the number and the length of its trials
    return _unequal_sizes(material)


def _unequal_sizes(material: Material) -> str:
    """Which families were given more trials or steps, of those whose knobs are searched."""
    points = material.run.points
    searched = {
        str(family): rows
        for family, rows in points.groupby("family")
        if rows["trial_id"].nunique() > 1 or _has_drawn_knob(rows.iloc[0], material)
    }
    trials = {family: int(rows["trial_id"].nunique()) for family, rows in searched.items()}
    steps = {
        family: int(rows["step"].max())
        for family, rows in searched.items()
        if rows["trial_status"].isin([FINISHED, RUNNING]).any()
    }
    sentences = []
    if len(set(trials.values())) > 1:
        named = _extremes(trials, lambda n, first: count(n, "trial") if first else f"{n:,}")
        sentences.append(f"{named}: part of the difference is the larger search.")
    steps = {family: step for family, step in steps.items() if step}  # 0 where there are no steps
    if len(set(steps.values())) > 1:
        named = _extremes(steps, lambda n, first: f"{'points ' if first else ''}up to step {n:,}")
        sentences.append(f"{named}: part of the difference is the longer budget.")
    return " ".join(sentences)


def _has_drawn_knob(row: pd.Series[Any], material: Material) -> bool:
    """Whether the specification draws a knob of the family that has this row."""
    runs = material.run.members.values() or [material.run]
    entries = [entry for run in runs for entry in run.manifest.get("spec", {}).get("families", [])]
    own = {part: row[part] if pd.notna(row[part]) else None for part in _PARTS}
    return any(
        all(own[part] in _values(entry.get(part)) for part in _PARTS)
        and any(isinstance(knob, Mapping) for knob in entry_knobs(entry).values())
        for entry in entries
        if isinstance(entry, Mapping)
    )


def _values(part: Any) -> list[Any]:
    return list(part) if isinstance(part, list | tuple) else [part]


def _extremes(sizes: Mapping[str, int], words: Callable[[int, bool], str]) -> str:
    """Names up to two of the smallest and the largest: ``a has 4 trials, b 40``."""
    ordered = sorted(sizes, key=lambda name: (sizes[name], name))
    largest = next(name for name in ordered if sizes[name] == sizes[ordered[-1]])
    named = [*[name for name in ordered if sizes[name] < sizes[largest]][:2], largest]
    return ", ".join(
        f"{name} {'has ' if i == 0 else ''}{words(sizes[name], i == 0)}"
        for i, name in enumerate(named)
    )


def _replicates(hypervolumes: Mapping[str, FamilyHypervolume]) -> set[int]:
    return {r for volume in hypervolumes.values() for r in volume.per_replicate}


def _missing(hypervolumes: Mapping[str, FamilyHypervolume]) -> str:
    """Which families were not run in every replicate, and have no checkpoint with a full mean."""
    total = len(_replicates(hypervolumes))
    fewer = [
        f"{name} has {len(volume.per_replicate)} of {total} replicates"
        for name, volume in hypervolumes.items()
        if len(volume.per_replicate) < total
    ]
    if not fewer:
        return ""
    rest = plural(len(fewer), "so it has", "so they have")
    return (
        f"{listing(fewer)}, {rest} no checkpoint with a mean over all of them and no place on the "
        "joint front; pairs are compared over the replicates that both were run in."
    )


def _context(answer: list[str], limits: list[str]) -> dict[str, list[str]]:
    told, kept = ([text for text in texts if text] for texts in (answer, limits))
    return {"answer": told, "limits": kept, "sentences": [*told, *kept]}


def _leads(hypervolumes: Mapping[str, FamilyHypervolume]) -> bool:
    return any(volume.mean > 0 for volume in hypervolumes.values())


def _reference(material: Material) -> str:
    """What the reference point changes, where it changes who leads."""
    table = material.sensitivity
    leaders = table[table["rank"] == 1].groupby("reference")["family"].agg(tuple)
    return ranking_changes(table) if leaders.nunique() > 1 else ""


def _beyond(material: Material) -> str:
    beyond = int(material.means["beyond_box"].sum())
    if not beyond:
        return "Every point lies inside the box."
    lie = plural(beyond, "lies", "lie")
    return (
        f"{beyond:,} of {count(len(material.means), 'point')} {lie} at or beyond the reference "
        "point, averaged over the replicates."
    )


def _unmeasurable(material: Material) -> str:
    """How many measurements of single replicates count nowhere."""
    points = material.run.points
    well = points["status"] == OK
    left_out = int((well & ~usable(points, material.run.box)).sum())
    if not left_out:
        return ""
    counts = plural(left_out, "counts", "count")
    return (
        f"{left_out:,} of {count(int(well.sum()), 'measurement')} {counts} nowhere: an objective "
        "is not finite, or too large to calculate with."
    )


def _trials(material: Material) -> str:
    status = material.trials["trial_status"]
    failed, diverged = ((status == s).sum() for s in (FAILED, DIVERGED))
    running, total = material.unfinished
    if not total:
        return "No trial has started."
    if not failed + diverged + running:
        return f"All {count(total, 'trial')} finished."
    parts = [
        f"{number:,} {what}"
        for number, what in ((failed, FAILED), (diverged, DIVERGED), (running, "not finished"))
        if number
    ]
    return f"Of {count(total, 'planned trial' if running else 'trial')}, {listing(parts)}."
