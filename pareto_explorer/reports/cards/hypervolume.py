"""Hypervolume of each family: over replicates and draws, cross-fitted, chosen on validation."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from pareto_explorer.fronts import FamilyHypervolume, objective_values, ranking_changes
from pareto_explorer.fronts.statistics.to_forget import NO_RANKING
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.phrases import box_sentence
from pareto_explorer.text import count

__all__ = ["hypervolume_card"]

_TITLE = "Hypervolume by family"

_HOW_TO_READ = (
    "Dots are the {replicates}, the line is their mean and the bar {bounds}: it covers the seeds, "
    "with the configurations that were drawn. What another draw could do is in “With half of the "
    "draws”: from 10 to 90 % of the half-samples of the family's configurations, each averaged "
    "over the seeds. Half as many reach less, and their spread is about that of another draw as "
    "large as this one. “Without its best” is what the mean loses without the one configuration "
    "that matters most: a family that stands on it was lucky or is hard to tune. Cross-fitted "
    "means "
    "that the front of each replicate is chosen on the others: how far that falls below the mean "
    "is what picking the best of many noisy points has added. “On validation” is what one gets who "
    "chooses the front by validation metrics; a column that says the same as its neighbour in "
    "every row is left out. Hypervolume of the means averages each checkpoint "
    "over the replicates first."
)


@guarded("hypervolume", _TITLE)
def hypervolume_card(material: Material) -> Card:
    """The table that ranks families."""
    volumes = material.hypervolumes
    if not material.has_points:
        return Card("hypervolume", _TITLE, reason="No trial has given a finite point yet.")
    data = _data(material)
    first = max(volumes.values(), key=lambda volume: len(volume.per_replicate))
    run = {name: len(volume.per_replicate) for name, volume in volumes.items()}
    bounds = {
        "bootstrap": f"the {first.interval.words()} of that mean",
        "range": "their range",
        "single": "has no length with one",
    }[first.interval.kind]
    box = material.run.box
    sentence = (
        "The share of the box that a family dominates, measured in each replicate: larger is "
        f"better, {math.prod(box.reference):g} is the whole box. {box_sentence(box)}"
    )
    if material.nothing_to_forget:
        sentence = f"{NO_RANKING} {sentence}"
    replicates = count(len(material.replicates), "replicate")
    return Card(
        "hypervolume",
        _TITLE,
        sentence,
        how_to_read=_HOW_TO_READ.format(replicates=replicates, bounds=bounds),
        data=data,
        context={
            "rows": data.to_dict("records"),
            "drawn": data["half_lowest"].notna().any(),
            "crossed": data["cross_fitted"].notna().any(),
            "validated": data["on_validation"].notna().any()
            and not _same(data["on_validation"], data["cross_fitted"]),
            "of_means": not _same(data["hypervolume_of_means"], data["hypervolume"]),
            "beyond": data["beyond_box"].any(),
            "bounds": (
                "95 % over seeds" if first.interval.kind == "bootstrap" else "Range over seeds"
            ),
            "fewer": {n: k for n, k in run.items() if k < len(material.replicates)},
            "replicates": len(material.replicates),
            "per_replicate": {name: v.per_replicate for name, v in volumes.items()},
            "scale": max(1e-9, *(v for volume in volumes.values() for v in _extent(volume))),
            **_sensitivity(material),
        },
    )


def _data(material: Material) -> pd.DataFrame:
    points = material.run.points
    seconds = points.groupby(["family", "trial_id", "replicate"])["seconds"].max()
    trials = points.groupby("family")["trial_id"].nunique()
    beyond = material.means.groupby("family")["beyond_box"]
    means, outside = beyond.size(), beyond.sum()
    spent = seconds.groupby("family").sum()
    box = material.run.box
    inside = (box.normalise(objective_values(material.front, box)) < box.reference).all(axis=1)
    pooled = material.front[inside]["family"].value_counts()
    data = pd.DataFrame(
        [
            {
                "family": name,
                "hypervolume": volume.mean,
                "lowest": volume.interval[0],
                "highest": volume.interval[1],
                "interval": volume.interval.kind,
                "interval_covers": "seeds",
                "half_lowest": half[1],
                "half_highest": half[2],
                "lost_without_best": volume.lost_without_best,
                "replicates": len(volume.per_replicate),
                "cross_fitted": volume.cross_fitted_mean,
                "optimism": volume.optimism,
                "on_validation": volume.on_validation_mean,
                "hypervolume_of_means": volume.of_means.value,
                "front_points": volume.of_means.n_front,
                "on_pooled_front": int(pooled.get(name, 0)),
                "points": int(means.get(name, 0)),
                "beyond_box": int(outside.get(name, 0)),
                "trials": int(trials[name]),
                "seconds": float(spent[name]),
            }
            for name, volume in material.hypervolumes.items()
            for half in [_half(volume)]
        ]
    )
    return data.drop(columns="seconds") if "seconds" in material.run.not_recorded else data


def _same(one: pd.Series[float], other: pd.Series[float]) -> bool:
    """Whether two columns say the same in three decimals, so that the second adds nothing."""
    return bool(one.astype(float).round(3).equals(other.astype(float).round(3)))


def _half(volume: FamilyHypervolume) -> tuple[float, float, float]:
    """The half-samples' mean and quantiles; NaN where there was no draw."""
    samples = volume.half_samples
    return samples.spread() if samples and samples.varied else (math.nan,) * 3


def _extent(volume: FamilyHypervolume) -> tuple[float, ...]:
    return (*volume.interval, *volume.per_replicate.values())


def _sensitivity(material: Material) -> dict[str, Any]:
    """The leading families under other reference points, with a sentence."""
    if len(material.hypervolumes) < 2 or material.nothing_to_forget:
        return {"references": []}
    table = material.sensitivity
    cells: dict[str, list[tuple[float, int]]] = {}
    for row in table.sort_values("reference").to_dict("records"):
        cells.setdefault(row["family"], []).append((row["hypervolume"], row["rank"]))
    leading = material.leading(list(material.hypervolumes))
    return {
        "references": [f"{reference:g}" for reference in sorted(table["reference"].unique())],
        "ranking": ranking_changes(table),
        "by_reference": [{"family": name, "cells": cells[name]} for name in leading],
        "left_out": len(material.hypervolumes) - len(leading),
    }
