"""What a foreign sweep must satisfy, and how its trials ended."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pareto_explorer.errors import InputError, bare, brief
from pareto_explorer.interchange.cells import plain
from pareto_explorer.interchange.columns import Columns
from pareto_explorer.runs.agreement import Key, contradiction, key_of
from pareto_explorer.schema.columns import CONFIG_PREFIX, KEY, place
from pareto_explorer.schema.statuses import DIVERGED, FAILED, FINISHED

__all__ = ["check_points", "trial_statuses"]


def check_points(points: pd.DataFrame, columns: Columns, source: str) -> pd.DataFrame:
    """Refuses rows that contradict each other, and trials that are not one configuration.

    Args:
        points: Rows of the points table, indexed by the source's rows.
        columns: Which column was read as what.
        source: The file, for the message.

    Returns:
        The points without rows that only repeat an earlier one.

    Raises:
        InputError: Two rows are the same point with different content, or a trial has two values
            of a knob.
    """
    once = _each_once(points, columns, source)
    _refuse_mixtures(once, source)
    return once


def trial_statuses(points: pd.DataFrame) -> pd.Series:
    """For each row how its trial ended: its worst row tells."""
    worst = pd.Series(FINISHED, index=points.index)
    for status in (DIVERGED, FAILED):
        hit = (points["status"] == status).groupby(points["trial_id"]).transform("any")
        worst = worst.mask(hit, status)
    return worst


def _each_once(points: pd.DataFrame, columns: Columns, source: str) -> pd.DataFrame:
    key = list(KEY)
    again = points.duplicated(key)
    twins = points[points.duplicated(key, keep=False)]
    firsts: dict[Key, tuple[int, dict[str, Any]]] = {}
    for index, row in zip(twins.index, plain(twins), strict=True):
        first, known = firsts.setdefault(key_of(row), (index, row))
        found = contradiction(known, row)
        if found is not None:
            silent = [name for name in ("replicate", "step") if name not in columns.identity]
            fix = (
                f"map {' or '.join(silent)} to the column that tells them apart"
                if silent
                else "remove one, or map trial_id or position to a column that tells them apart"
            )
            trial_id, replicate, step, position = key_of(row)
            raise InputError(
                f"{source!r}: rows {first + 1} and {index + 1} are both trial {brief(trial_id)}, "
                f"replicate {replicate}, {place(step, position)}, but differ in "
                f"{bare(found.column)}; {fix}."
            )
    return points[~again]


def _refuse_mixtures(points: pd.DataFrame, source: str) -> None:
    fixed = ["family", *(name for name in points.columns if name.startswith(CONFIG_PREFIX))]
    texts = points[fixed].astype(str)
    several = texts.groupby(points["trial_id"]).nunique() > 1
    for name in fixed:
        if several[name].any():
            trial = several.index[several[name]][0]
            first, second, *_ = texts.loc[points["trial_id"] == trial, name].unique()
            raise InputError(
                f"{source!r}: trial {brief(trial)} has {bare(first)} and {bare(second)} as "
                f"{bare(name)}; a trial is one configuration, so map trial_id to a column that "
                "tells them apart."
            )
