"""The original and the retrained models among the rows of a foreign sweep."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pareto_explorer.errors import InputError, brief
from pareto_explorer.interchange.cells import number, numbers, plain
from pareto_explorer.interchange.foreign import ForeignTable
from pareto_explorer.interchange.mapping import LandmarkRows

__all__ = ["landmark_kinds", "landmark_rows"]


def landmark_kinds(
    rows: pd.DataFrame, chosen: LandmarkRows | None, table: ForeignTable
) -> pd.Series:
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
        hit = [_is(cell, value, table.decimal) for cell in column.to_list()]
        if not any(hit):
            raise InputError(
                f"landmarks.{kind}: column {chosen.column!r} of {table.source!r} never holds "
                f"{brief(value)}; correct the value or drop the line."
            )
        kinds = kinds.mask(pd.Series(hit, index=rows.index), kind)
    return kinds


def landmark_rows(
    kinds: pd.Series,
    seeds: pd.DataFrame,
    metrics: pd.DataFrame,
    steps: pd.Series | None,
    table: ForeignTable,
) -> list[dict[str, Any]]:
    """One plain row per landmark and replicate; of several steps, the last.

    Args:
        kinds: From ``landmark_kinds``.
        seeds: ``replicate`` and ``training_seed`` of every row.
        metrics: The metrics of every row.
        steps: The source's column of steps, if there is one.
        table: Where they are from, for messages.
    """
    identity = seeds[["replicate", "training_seed"]].assign(landmark=kinds)
    found = pd.concat([identity, metrics], axis=1)[kinds.notna()]
    if steps is not None:
        order = numbers(steps[kinds.notna()], table)
        found = found.loc[order.sort_values(kind="stable", na_position="first").index]
    last = found.drop_duplicates(["landmark", "replicate"], keep="last")
    return plain(last.sort_values(["landmark", "replicate"]))


def _is(cell: object, value: str | int | float, decimal: str) -> bool:
    """Whether a cell is the value, as a text or as a number."""
    return str(cell) == str(value) or (
        not isinstance(value, str) and number(cell, decimal) == value
    )
