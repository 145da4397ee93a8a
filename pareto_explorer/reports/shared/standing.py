"""A chosen model beside the original and the retrained one, metric by metric."""

from __future__ import annotations

import pandas as pd

from pareto_explorer.fronts import Selection
from pareto_explorer.runs import metric_columns
from pareto_explorer.schema.columns import STD_SUFFIX
from pareto_explorer.schema.metrics import measure

__all__ = ["shown_kinds", "spread", "standing"]

_KINDS = ("original", "retrained", "chosen")


def standing(selection: Selection, points: pd.DataFrame, landmarks: pd.DataFrame) -> pd.DataFrame:
    """Means and spreads of every metric that the chosen model has.

    Args:
        selection: The choice.
        points: The points table.
        landmarks: The landmarks table; may be empty.

    Returns:
        Index: metrics, the objectives first, then the ones that the choice looked at. Columns
        ``original, retrained, chosen``, each with its sample standard deviation under
        ``<column>.std``: of the landmarks over training seeds, of the chosen model over
        replicates. NaN where something was not measured or there is only one.
    """
    leading = dict.fromkeys([*selection.box.metrics, *selection.validation.metrics])
    metrics = [
        metric
        for metric in dict.fromkeys([*leading, *metric_columns(points)])
        if not pd.isna(selection.chosen.get(metric))
    ]
    columns: dict[str, pd.Series[float]] = {}
    for kind in ("original", "retrained"):
        seeds = landmarks[landmarks["landmark"] == kind].drop_duplicates("training_seed")
        values = seeds.reindex(columns=metrics)
        columns |= {kind: values.mean(), kind + STD_SUFFIX: values.std()}
    columns["chosen"] = selection.chosen[metrics].astype(float)
    spread = selection.chosen[[metric + STD_SUFFIX for metric in metrics]].astype(float)
    columns["chosen" + STD_SUFFIX] = spread.set_axis(metrics)
    return pd.DataFrame(columns, index=metrics, dtype=float)


def shown_kinds(table: pd.DataFrame) -> list[str]:
    """The models that a table of ``standing`` has any value of; a run may have retrained none."""
    return [kind for kind in _KINDS if kind == "chosen" or table[kind].notna().any()]


def spread(mean: float, std: float) -> str:
    """``0.1234 ± 0.0012``; the mean alone where there is no spread, a dash where no mean is."""
    if pd.isna(mean):
        return "–"
    return measure(mean) if pd.isna(std) else f"{measure(mean)} ± {measure(std)}"
