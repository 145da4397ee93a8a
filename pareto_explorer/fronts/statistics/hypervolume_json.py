"""All that is said of hypervolumes, as plain data for a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.domains import KnobDomain
from pareto_explorer.fronts.statistics.comparison import judge_families
from pareto_explorer.fronts.statistics.families import (
    FamilyHypervolume,
    family_hypervolumes,
    pooled_hypervolume,
)
from pareto_explorer.fronts.statistics.floor import families_inside, retrain_floor
from pareto_explorer.fronts.statistics.to_forget import nothing_to_forget

__all__ = ["hypervolume_json"]


def hypervolume_json(
    points: pd.DataFrame,
    box: Box,
    *,
    landmarks: pd.DataFrame | None = None,
    domains: Mapping[str, Mapping[str, KnobDomain]] | None = None,
    planned: int | None = None,
    families: Mapping[str, FamilyHypervolume] | None = None,
) -> dict[str, Any]:
    """The content of ``report/hypervolume.json``.

    Args:
        points: A points table.
        box: The objectives.
        landmarks: The landmarks table, for the retrain floor.
        domains: What each family's knobs were drawn from; of a family with a single draw, no pair
            is distinguishable.
        planned: How many trials there will be, if that is known.
        families: ``family_hypervolumes(points, box)``, where it is at hand already.

    Returns:
        ``{"box": ..., "families": {name: ...}, "pooled": ..., "comparisons": [...]}``. Each family
        and ``pooled`` has ``hypervolume`` (the mean over replicates), ``per_replicate``,
        ``interval``, ``interval_kind``, ``interval_covers``, ``points``, ``beyond_box``,
        ``excluded``, and ``of_means`` with its own counts; ``cross_fitted`` and ``on_validation``
        have ``hypervolume`` and ``per_replicate``, or are null where they do not apply, and so are
        ``lost_without_best`` and ``half_samples``, which has ``hypervolume`` and an interval that
        covers the draw. ``comparisons`` has an entry for
        each pair of families that compete and share a replicate, with ``draw_share``, the share of
        half-samples of the configurations in which the lead holds, or null; none is
        distinguishable before all trials have ended. With landmarks there is ``floor`` too: null,
        or ``metrics``, ``pairs``, ``mean`` and ``families_inside``; and ``nothing_to_forget``, a
        text that says where the objectives cannot show forgetting, so that no pair is
        distinguishable, or "".

    Raises:
        InputError: An objective is no column of the table.
    """
    families = family_hypervolumes(points, box) if families is None else families
    comparisons = judge_families(families, points, box, landmarks, domains, planned)
    found: dict[str, Any] = {
        "box": box.to_dict(),
        "families": {name: families[name].to_dict() for name in sorted(families)},
        "pooled": pooled_hypervolume(points, box).to_dict(),
        "comparisons": [comparison.to_dict() for comparison in comparisons],
    }
    if landmarks is not None:
        floor = retrain_floor(landmarks, box)
        inside = families_inside(points, landmarks, box)
        found["floor"] = None if floor is None else {**floor.to_dict(), "families_inside": inside}
        found["nothing_to_forget"] = nothing_to_forget(landmarks, box.metrics)
    return found
