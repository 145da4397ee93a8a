"""Hypervolume of each family with its range over replicates."""

from __future__ import annotations

from math import prod

import pandas as pd

from pareto_explorer.reports.card import Card
from pareto_explorer.reports.material import Material
from pareto_explorer.reports.wording import box_sentence, count

__all__ = ["hypervolume_card"]


def hypervolume_card(material: Material) -> Card:
    """The table that ranks families."""
    title = "Hypervolume by family"
    volumes = material.hypervolumes
    if not volumes:
        return Card("hypervolume", title, reason="No trial has given a finite point yet.")
    points = material.run.points
    seconds = points.groupby(["family", "trial_id", "replicate"])["seconds"].max()
    trials = points.groupby("family")["trial_id"].nunique()
    spent = seconds.groupby("family").sum()
    pooled = material.front["family"].value_counts()
    data = pd.DataFrame(
        [
            {
                "family": name,
                "hypervolume": volume.mean,
                "lowest": volume.interval[0],
                "highest": volume.interval[1],
                "hypervolume_of_means": volume.of_means.value,
                "front_points": volume.of_means.n_front,
                "on_pooled_front": int(pooled.get(name, 0)),
                "points": volume.n_points,
                "beyond_box": volume.n_beyond,
                "trials": int(trials[name]),
                "seconds": float(spent[name]),
            }
            for name, volume in volumes.items()
        ]
    )
    replicates = len(material.replicates)
    box = material.run.box
    sentence = (
        "The share of the box that a family dominates, measured in each replicate: larger is "
        f"better, {prod(box.reference):g} is the whole box. {box_sentence(box)}"
    )
    return Card(
        "hypervolume",
        title,
        sentence,
        how_to_read=(
            f"Dots are the {count(replicates, 'replicate')}, the bar is their mean. Picking the "
            "best of many noisy points flatters every family alike, more so with more trials. "
            "Seconds are those spent unlearning, over all trials and replicates."
        ),
        data=data,
        context={
            "rows": data.to_dict("records"),
            "per_replicate": {name: v.per_replicate for name, v in volumes.items()},
            "scale": max(1e-9, max(v.interval[1] for v in volumes.values())),
        },
    )
