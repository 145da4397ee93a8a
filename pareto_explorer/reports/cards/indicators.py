"""Other measures of a front than hypervolume."""

from __future__ import annotations

import pandas as pd

from pareto_explorer.fronts import family_indicators
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.phrases import measured

__all__ = ["indicators_card"]

_TITLE = "Other measures"

_COLUMNS = {
    "igd_plus": "IGD+",
    "epsilon": "Additive ε",
    "r2": "R2",
    "vorobev_deviation": "Vorob'ev deviation",
}
_HOW_TO_READ = (
    "Smaller is better in each. IGD+ is the mean distance from the front of all families to "
    "what the family reaches; the additive ε is the shift in every objective with which it would "
    "reach all of that front. {r2}Like hypervolume they count the whole box as 1 in each "
    "objective, and they are means over the replicates. The Vorob'ev deviation says how far the "
    "family's front moves between replicates. The share counts points of the front of all families."
)
_R2 = "R2 is the mean loss of one who weights the two objectives and does not yet know how. "


@guarded("indicators", _TITLE)
def indicators_card(material: Material) -> Card:
    """A table by family, the largest hypervolume first."""
    if not material.has_points:
        return Card("indicators", _TITLE, reason="No trial has given a finite point yet.")
    run = material.run
    table = family_indicators(run.points, run.box, means=material.means).set_index("family")
    table = table.loc[list(material.hypervolumes)].dropna(axis="columns", how="all")
    shown = {name: words for name, words in _COLUMNS.items() if name in table}
    data = table.reset_index()
    return Card(
        "indicators",
        _TITLE,
        "What hypervolume leaves out: how far each family is from the front of all families, how "
        "much that varies, and how much of that front is its own.",
        how_to_read=_HOW_TO_READ.format(r2=_R2 if "r2" in shown else ""),
        data=data,
        context={
            "labels": list(shown.values()),
            "rows": [
                {
                    "family": row["family"],
                    "cells": [measured(row[name]) for name in shown],
                    "share": _percent(row.get("share_of_pooled_front", float("nan"))),
                }
                for row in data.to_dict("records")
            ],
        },
        folded=True,
    )


def _percent(value: float) -> str:
    return "" if pd.isna(value) else f"{100 * value:.0f} %"
