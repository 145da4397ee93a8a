"""The forgotten samples by which an attacker tells most."""

from __future__ import annotations

import pandas as pd

from pareto_explorer.schema.columns import Checkpoint, of_checkpoint

__all__ = ["WORST", "worst_samples"]

WORST = 10
"""Samples of a point that are shown."""


def worst_samples(samples: pd.DataFrame, point: Checkpoint) -> pd.DataFrame:
    """Returns the rows of a point's samples of the largest effect sizes, the largest first.

    Args:
        samples: ``audit/samples.parquet``.
        point: Trial, step and position.

    Returns:
        At most `WORST` rows, with their index.
    """
    rows = samples[of_checkpoint(samples, *point)]
    rows = rows[(rows["set"] == "forget") & rows["effect_size"].notna()]
    order = rows["effect_size"].abs().sort_values(ascending=False, kind="stable").index
    return rows.loc[order[:WORST]]
