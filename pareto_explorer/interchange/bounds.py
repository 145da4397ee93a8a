"""The box of a sweep made elsewhere: declared bounds, and for the others the range of the data."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pareto_explorer.errors import InputError, bare
from pareto_explorer.fronts import Box, Objective
from pareto_explorer.interchange.mapping import ObjectiveColumn

__all__ = ["FROM_DATA", "GIVEN", "frozen_box"]

GIVEN, FROM_DATA = "given", "from the data"


def frozen_box(
    points: pd.DataFrame, objectives: Sequence[ObjectiveColumn], reference: Sequence[float]
) -> tuple[Box, dict[str, dict[str, str]]]:
    """Closes the open bounds by the best and the worst value among the points that went well.

    Bounds from the data make hypervolumes comparable within this import only; that is why they are
    told apart.

    Args:
        points: Points table.
        objectives: With bounds, or with ``None`` for those to take from the data.
        reference: Reference point in normalised units, or nothing for all ones.

    Returns:
        The box, and for each metric whether its ``ideal`` and ``nadir`` are ``"given"`` or
        ``"from the data"``.

    Raises:
        InputError: No point went well, a metric has one value only, or bounds do not fit.
    """
    well = points[points["status"] == "ok"]
    bounds = {}
    closed = []
    for objective in objectives:
        low, high = well[objective.metric].min(), well[objective.metric].max()
        best, worst = (low, high) if objective.direction == "min" else (high, low)
        ideal = best if objective.ideal is None else objective.ideal
        nadir = worst if objective.nadir is None else objective.nadir
        origins = {
            "ideal": FROM_DATA if objective.ideal is None else GIVEN,
            "nadir": FROM_DATA if objective.nadir is None else GIVEN,
        }
        if FROM_DATA in origins.values():
            _check_range(objective, ideal, nadir, n=len(well))
        closed.append(Objective(objective.metric, objective.direction, float(ideal), float(nadir)))
        bounds[objective.metric] = origins
    return Box(tuple(closed), tuple(reference)), bounds


def _check_range(objective: ObjectiveColumn, ideal: float, nadir: float, *, n: int) -> None:
    field = f"objectives: {bare(objective.metric)}"
    if not n:
        raise InputError(f"{field}: no point went well, so give its ideal and nadir.")
    better = ideal < nadir if objective.direction == "min" else ideal > nadir
    if not better:
        raise InputError(
            f"{field}: the data give no range with an ideal of {ideal:g} that is better than a "
            f"nadir of {nadir:g}; give both, ideal and nadir."
        )
