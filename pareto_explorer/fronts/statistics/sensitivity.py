"""How the ranking of families reacts to the reference point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.checked import volume
from pareto_explorer.fronts.core.sets import family_sets, normalised_front
from pareto_explorer.fronts.statistics.cross_fitting import replicates_run

__all__ = ["ranking_changes", "reference_sensitivity"]

_NAMED = 3


def reference_sensitivity(
    points: pd.DataFrame,
    box: Box,
    references: Sequence[float] = (1.0001, 1.1, 1.5, 2.0),
) -> pd.DataFrame:
    """Measures every family with other reference points.

    Args:
        points: A points table.
        box: The objectives; its own reference point is not used.
        references: Each is taken as the reference point in all objectives, in normalised units,
            where the nadir is 1.

    Returns:
        Columns ``family``, ``reference``, ``hypervolume`` (the mean over the replicates in which
        the family was run, as a share of the box up to this reference point) and ``rank`` (1 for
        the largest, ties share the better rank); sorted by reference and rank.

    Raises:
        InputError: A reference that is not above 0, or an objective that is no column of the table.
    """
    rows = []
    sets, run = family_sets(points, box), replicates_run(points)
    for reference in references:
        larger = Box(box.objectives, (reference,) * len(box.objectives))
        for family, replicates in sets.items():
            volumes = [
                volume(normalised_front(replicates[number], larger), larger.reference)
                for number in run[family]
            ]
            share = float(np.mean(volumes) / np.prod(larger.reference))
            rows.append({"family": family, "reference": larger.reference[0], "hypervolume": share})
    table = pd.DataFrame(rows, columns=["family", "reference", "hypervolume"])
    ranks = table.groupby("reference")["hypervolume"].rank(method="min", ascending=False)
    return table.assign(rank=ranks.astype("int64")).sort_values(
        ["reference", "rank", "family"], ignore_index=True
    )


def ranking_changes(sensitivity: pd.DataFrame) -> str:
    """Says in one sentence what the choice of the reference point changes.

    Args:
        sensitivity: What ``reference_sensitivity`` gives.
    """
    ranks = sensitivity.pivot(index="family", columns="reference", values="rank")
    if len(ranks) < 2 or ranks.shape[1] < 2:
        return "There is no ranking that the reference point could change."
    low, high = ranks.columns[0], ranks.columns[-1]
    span = f"between {low:g} and {high:g}"
    moves = (ranks.max(axis=1) - ranks.min(axis=1)).sort_values(ascending=False, kind="stable")
    moved = moves[moves > 0]
    if moved.empty:
        return f"The ranking is the same for every reference point {span}."
    leaders: dict[str, list[str]] = {}
    for reference in ranks.columns:
        names = " and ".join(sorted(ranks.index[ranks[reference] == 1]))
        leaders.setdefault(names, []).append(f"{reference:g}")
    if len(leaders) > 1:
        changes = [f"{names} at {' and '.join(where)}" for names, where in leaders.items()]
        return f"The leader depends on the reference point: {', '.join(changes)}."
    most = ", ".join(f"{family} by {places}" for family, places in moved.head(_NAMED).items())
    count = f"{len(moved)} other families change" if len(moved) > 1 else "one other family changes"
    rest = "the most " if len(moved) > _NAMED else ""
    return (
        f"{next(iter(leaders))} leads for every reference point {span}; {count} places: "
        f"{rest}{most}."
    )
