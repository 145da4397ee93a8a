"""What a foreign sweep must satisfy, and how its trials ended."""

from __future__ import annotations

import pandas as pd

from pareto_explorer.errors import InputError
from pareto_explorer.interchange.columns import Columns
from pareto_explorer.runs.columns import CONFIG_PREFIX, KEY

__all__ = ["check_points", "trial_statuses"]


def check_points(points: pd.DataFrame, columns: Columns, source: str) -> None:
    """Refuses rows that are the same point, and trials that are not one configuration.

    Args:
        points: Rows of the points table, indexed by the source's rows.
        columns: Which column was read as what.
        source: The file, for the message.

    Raises:
        InputError: Two rows are the same point, or a trial has two values of a knob.
    """
    _refuse_twins(points, columns, source)
    _refuse_mixtures(points, source)


def trial_statuses(points: pd.DataFrame) -> pd.Series:
    """For each row how its trial ended: its worst row tells."""
    worst = pd.Series("finished", index=points.index)
    for status in ("diverged", "failed"):
        hit = (points["status"] == status).groupby(points["trial_id"]).transform("any")
        worst = worst.mask(hit, status)
    return worst


def _refuse_twins(points: pd.DataFrame, columns: Columns, source: str) -> None:
    twice = points[points.duplicated(list(KEY), keep=False)]
    if len(twice):
        trial, replicate, step = (twice.iloc[0][name] for name in KEY)
        same = twice[(twice[list(KEY)] == [trial, replicate, step]).all(axis=1)]
        first, second, *_ = (index + 1 for index in same.index)
        silent = [name for name in ("replicate", "step") if name not in columns.identity]
        fix = (
            f"map {' or '.join(silent)} to the column that tells them apart"
            if silent
            else "remove one, or map trial_id to a column that tells them apart"
        )
        raise InputError(
            f"{source!r}: rows {first} and {second} are both trial {trial!r}, replicate "
            f"{replicate}, step {step}; {fix}."
        )


def _refuse_mixtures(points: pd.DataFrame, source: str) -> None:
    fixed = ["family", *(name for name in points.columns if name.startswith(CONFIG_PREFIX))]
    texts = points[fixed].astype(str)
    several = texts.groupby(points["trial_id"]).nunique() > 1
    for name in fixed:
        if several[name].any():
            trial = several.index[several[name]][0]
            first, second, *_ = texts.loc[points["trial_id"] == trial, name].unique()
            raise InputError(
                f"{source!r}: trial {trial!r} has {first} and {second} as {name}; a trial "
                "is one configuration, so map trial_id to a column that tells them apart."
            )
