"""The original and the retrained models among the rows of a foreign sweep."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pareto_explorer.errors import InputError
from pareto_explorer.interchange.cells import numbers, plain
from pareto_explorer.interchange.mapping import LandmarkRows

__all__ = ["landmark_kinds", "landmark_rows"]


def landmark_kinds(rows: pd.DataFrame, chosen: LandmarkRows | None, source: str) -> pd.Series:
    """``"original"`` or ``"retrained"`` for the landmarks' rows, missing for all others.

    Raises:
        InputError: A value that should mark landmarks is nowhere in the column.
    """
    kinds = pd.Series(None, index=rows.index, dtype=object)
    if chosen is None:
        return kinds
    column = rows[chosen.column]
    for kind, value in (("original", chosen.original), ("retrained", chosen.retrained)):
        if value is None:
            continue
        hit = (column == value) | (column.astype(str) == str(value))
        if not hit.any():
            raise InputError(
                f"landmarks.{kind}: column {chosen.column!r} of {source!r} never holds {value!r}; "
                "correct the value or drop the line."
            )
        kinds = kinds.mask(hit, kind)
    return kinds


def landmark_rows(
    kinds: pd.Series,
    seeds: pd.DataFrame,
    metrics: pd.DataFrame,
    steps: pd.Series | None,
    source: str,
) -> list[dict[str, Any]]:
    """One plain row per landmark and replicate; of several steps, the last.

    Args:
        kinds: From ``landmark_kinds``.
        seeds: ``replicate`` and ``training_seed`` of every row.
        metrics: The metrics of every row.
        steps: The source's column of steps, if there is one.
        source: The file, for messages.
    """
    identity = seeds[["replicate", "training_seed"]].assign(landmark=kinds)
    table = pd.concat([identity, metrics], axis=1)[kinds.notna()]
    if steps is not None:
        order = numbers(steps[kinds.notna()], source)
        table = table.loc[order.sort_values(kind="stable", na_position="first").index]
    last = table.drop_duplicates(["landmark", "replicate"], keep="last")
    return plain(last.sort_values(["landmark", "replicate"]))
